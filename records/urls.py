from django.urls import path

from records import views

app_name = "records"

urlpatterns = [
    path("files/<int:pk>/", views.attachment, name="attachment"),
    path("files/<int:pk>/preview/", views.attachment_preview, name="attachment-preview"),
]
