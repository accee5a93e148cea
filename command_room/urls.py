from django.urls import path

from command_room.views import contact, room, saved_filter, search, shift_note

app_name = "command_room"

urlpatterns = [
    path("", room.home, name="home"),
    path("worklist/", room.worklist, name="worklist"),
    path("worklist/rows/", room.worklist_rows, name="worklist-rows"),
    path("board/", room.board, name="board"),
    path("board/columns/", room.board_columns, name="board-columns"),
    path("search/", search.search, name="search"),
    path("contacts/", contact.people, name="person-list"),
    path("contacts/units/", contact.units, name="unit-list"),
    path("filters/", saved_filter.saved_list, name="saved-filter-list"),
    path("filters/save/", saved_filter.save, name="saved-filter-save"),
    path("filters/<int:pk>/rename/", saved_filter.rename, name="saved-filter-rename"),
    path("filters/<int:pk>/delete/", saved_filter.delete, name="saved-filter-delete"),
    path("filters/<int:pk>/default/", saved_filter.default, name="saved-filter-default"),
    path("components/", room.components, name="components"),
    path("shift-notes/", shift_note.note_list, name="shift-note-list"),
    path("shift-notes/write/", shift_note.write, name="shift-note-write"),
    path("shift-notes/<int:pk>/", shift_note.detail, name="shift-note-detail"),
    path("shift-notes/<int:pk>/take/", shift_note.take, name="shift-note-take"),
]
