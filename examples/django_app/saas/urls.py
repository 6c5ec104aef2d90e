"""Which page is where."""

from django.urls import path
from django.views.generic import RedirectView

from saas.views import CustomerList, CustomerPage

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="customers")),
    path("customers/", CustomerList.as_view(), name="customers"),
    path("customers/<int:pk>/", CustomerPage.as_view(), name="customer"),
]
