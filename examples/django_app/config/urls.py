"""Which address leads where."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from florentin_webhooks.django import webhook_path

urlpatterns = [
    # With and without a slash at the end, and exempt from CSRF and login: the signature says who
    # sent it, and Florentin follows no redirect.
    webhook_path("webhooks/florentin"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("", include("saas.urls")),
]
