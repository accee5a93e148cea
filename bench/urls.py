from django.urls import path

from bench import views
from portal.urls import urlpatterns as portal_urls

urlpatterns = [path("bare/<str:table>/<int:rows>/", views.bare), *portal_urls]
