"""What the shop knows: products and their relations, reviews, orders."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone


class Category(models.Model):
    """A shelf of the shop, such as "Kitchen"."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(unique=True)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Supplier(models.Model):
    """A company that delivers products."""

    name = models.CharField(max_length=80)
    city = models.CharField(max_length=60)

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A label that a product may share with others, such as "handmade"."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """A thing on sale."""

    name = models.CharField(max_length=80)
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="products")
    tags = models.ManyToManyField(Tag, related_name="products")
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)
    added_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the path of the product's own page."""
        return reverse("product", args=[self.pk])

    @property
    def full_name(self) -> str:
        """Name with category; reads a relation, which no caller can see."""
        return f"{self.category.name}: {self.name}"


class Review(models.Model):
    """What a customer thinks of a product, with one to five stars."""

    class Stars(models.IntegerChoices):
        """The five marks a customer may give."""

        FIVE = 5, "★★★★★"
        FOUR = 4, "★★★★"
        THREE = 3, "★★★"
        TWO = 2, "★★"
        ONE = 1, "★"

    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reviews")
    stars = models.PositiveSmallIntegerField(choices=Stars)
    text = models.CharField(max_length=300)
    written_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.stars} stars"


class Order(models.Model):
    """What one customer bought at one time."""

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="orders")
    placed_at = models.DateTimeField(default=timezone.now, db_index=True)
    shipped = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"Order {self.pk}"


class OrderLine(models.Model):
    """One product in an order, at the price of that day."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, related_name="order_lines")
    quantity = models.PositiveSmallIntegerField()
    unit_price = models.DecimalField(max_digits=8, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_id}"
