"""The shop in Django's admin; the list of orders shows an N+1 loop."""

from django.contrib import admin

from shop.models import Category, Order, OrderLine, Product, Review, Supplier, Tag
from shop.showcase import ROWS


class OrderLineInline(admin.TabularInline):
    """The lines of an order, on the order's page."""

    model = OrderLine
    extra = 0
    raw_id_fields = ("product",)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """Orders; the column ``customer_email`` runs one statement a row."""

    list_display = ("__str__", "placed_at", "shipped", "customer_email")
    list_per_page = ROWS
    ordering = ("-pk",)
    # The admin would count all rows twice with one statement: another finding than the one shown.
    show_full_result_count = False
    raw_id_fields = ("customer",)
    inlines = (OrderLineInline,)

    @admin.display(description="Customer")
    def customer_email(self, order: Order) -> str:
        """Return the customer's e-mail address; the admin joins no relation read by a method."""
        return order.customer.email


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Products; the admin joins relations named in ``list_display`` by itself."""

    list_display = ("name", "category", "supplier", "price", "stock")
    list_filter = ("category",)
    search_fields = ("name",)


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    """Reviews, the newest first."""

    list_display = ("product", "stars", "text", "written_at")
    raw_id_fields = ("product", "author")
    ordering = ("-pk",)


admin.site.register([Category, Supplier, Tag])
