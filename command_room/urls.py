from django.urls import path

from command_room import views

app_name = "command_room"

urlpatterns = [
    path("", views.home, name="home"),
    path("worklist/", views.worklist, name="worklist"),
    path("worklist/rows/", views.worklist_rows, name="worklist-rows"),
    path("board/", views.board, name="board"),
    path("board/columns/", views.board_columns, name="board-columns"),
    path("components/", views.components, name="components"),
]
