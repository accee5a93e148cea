from django.urls import path

from command_room.views import feedback, manual, room, shift_note

app_name = "command_room"

urlpatterns = [
    path("", room.home, name="home"),
    path("worklist/", room.worklist, name="worklist"),
    path("worklist/rows/", room.worklist_rows, name="worklist-rows"),
    path("board/", room.board, name="board"),
    path("board/columns/", room.board_columns, name="board-columns"),
    path("components/", room.components, name="components"),
    path("help/", manual.index, name="help"),
    path("help/<slug:slug>/", manual.topic, name="help-topic"),
    path("feedback/", feedback.write, name="feedback"),
    path("feedback/mine/", feedback.mine, name="feedback-mine"),
    path("feedback/all/", feedback.everybodys, name="feedback-list"),
    path("feedback/<int:pk>/", feedback.detail, name="feedback-detail"),
    path("feedback/<int:pk>/answer/", feedback.answer, name="feedback-answer"),
    path("shift-notes/", shift_note.note_list, name="shift-note-list"),
    path("shift-notes/write/", shift_note.write, name="shift-note-write"),
    path("shift-notes/<int:pk>/", shift_note.detail, name="shift-note-detail"),
    path("shift-notes/<int:pk>/take/", shift_note.take, name="shift-note-take"),
]
