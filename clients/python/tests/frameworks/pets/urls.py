"""Where things are."""

from django.urls import path

from .views import add_post

urlpatterns = [path("posts", add_post)]
