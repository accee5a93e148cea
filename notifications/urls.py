from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("messages/", views.inbox, name="inbox"),
    path("messages/read-all/", views.read_all, name="read-all"),
    path("messages/bell/", views.bell, name="bell"),
    path("messages/settings/", views.preference, name="preference"),
    path("messages/preview/", views.preview, name="preview"),
    path("messages/<int:pk>/open/", views.open_message, name="open"),
]
