// Names for the admin's search boxes: select2 draws them without a label, so that a screen reader would say nothing.
// jQuery calls what waits for the page in the order in which it was told, so this comes after select2 has drawn.
(function () {
  var jQuery = window.django && window.django.jQuery;
  if (!jQuery) return;
  jQuery(function () {
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
})();
