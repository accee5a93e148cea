// Names for the admin's search boxes: select2 draws them without a label, so that a screen reader would say nothing.
window.addEventListener("load", function () {
  document.querySelectorAll("select.admin-autocomplete").forEach(function (select) {
    var label = document.querySelector('label[for="' + select.id + '"]');
    var box = select.nextElementSibling;
    if (!label || !box) return;
    box.querySelectorAll('[role="combobox"], [role="textbox"]').forEach(function (part) {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", label.textContent.trim());
    });
  });
});
