"""The forms of a product's page."""

from django import forms

from shop.models import Review


class ReviewForm(forms.ModelForm):
    """Stars and a sentence about a product."""

    class Meta:
        model = Review
        fields = ("stars", "text")


class OrderForm(forms.Form):
    """How many pieces to order at once."""

    quantity = forms.IntegerField(min_value=1, max_value=20, initial=1)
