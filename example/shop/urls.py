"""Routes of the shop."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from shop import pathologies, views

urlpatterns = [
    path("", views.home, name="home"),
    path("catalog/", views.catalog, name="catalog"),
    path("products/suppliers/", pathologies.suppliers, name="suppliers"),
    path("products/reviews/", pathologies.reviews, name="reviews"),
    path("products/tags/", pathologies.tags, name="tags"),
    path("products/names/", pathologies.names, name="names"),
    path("products/offers/", pathologies.offers, name="offers"),
    path("products/new/", views.new, name="new"),
    path("products/<int:pk>/", views.product, name="product"),
    path("products/<int:pk>/review/", views.review, name="review"),
    path("products/<int:pk>/order/", views.order, name="order"),
    path("stock/", pathologies.stock, name="stock"),
    path("bought-together/", pathologies.bought_together, name="bought_together"),
    path("bestsellers/", views.bestsellers, name="bestsellers"),
    path("for-you/", views.for_you, name="for_you"),
    path("live/", views.live, name="live"),
    path("export/order-lines.csv", views.export, name="export"),
    path("api/products/", views.api_products, name="api_products"),
    path("broken/", views.broken, name="broken"),
    path("login/", LoginView.as_view(template_name="shop/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
