"""The URLs."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from saas.monitoring import show_metrics

from florentin_webhooks.django import health_path, inspector_path, webhook_path

urlpatterns = [
    # With and without a trailing slash, because Florentin does not follow redirects; exempt from
    # CSRF and login, because the signature authenticates the sender.
    webhook_path("webhooks/florentin"),
    health_path("health"),
    path("metrics", show_metrics),
    # For staff who may view deliveries; the admin links to it.
    inspector_path("inspector"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("", include("saas.urls")),
]
