/* A long list of choices, sifted by what is typed: `data-sift` names the list, `data-find` the words of each choice.
   Without JavaScript the box stays hidden and the list is whole. A chosen one is always shown. */
(function () {
  "use strict";

  function sift(input) {
    var list = document.querySelector(input.dataset.sift);
    var all = Array.prototype.slice.call(list.querySelectorAll("[data-find]"));
    input.closest(".sift").hidden = false;

    function draw() {
      var typed = input.value.trim().toLowerCase();
      all.forEach(function (one) {
        var fits = one.dataset.find.toLowerCase().indexOf(typed) >= 0;
        one.hidden = !fits && !one.querySelector("input:checked");
      });
    }

    input.addEventListener("input", draw);
    input.addEventListener("search", draw);
    input.addEventListener("keydown", function (event) {
      if (event.key === "Enter") { event.preventDefault(); } // it looks, it does not send the form
    });
  }

  Array.prototype.forEach.call(document.querySelectorAll("[data-sift]"), sift);
}());
