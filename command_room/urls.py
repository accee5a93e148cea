from django.urls import path

from command_room.views import room, shift_note

app_name = "command_room"

urlpatterns = [
    path("", room.home, name="home"),
    path("worklist/", room.worklist, name="worklist"),
    path("worklist/rows/", room.worklist_rows, name="worklist-rows"),
    path("board/", room.board, name="board"),
    path("board/columns/", room.board_columns, name="board-columns"),
    path("components/", room.components, name="components"),
    path("shift-notes/", shift_note.note_list, name="shift-note-list"),
    path("shift-notes/write/", shift_note.write, name="shift-note-write"),
    path("shift-notes/<int:pk>/", shift_note.detail, name="shift-note-detail"),
    path("shift-notes/<int:pk>/take/", shift_note.take, name="shift-note-take"),
]
