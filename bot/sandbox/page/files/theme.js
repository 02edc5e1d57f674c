// The colours, before anything is drawn. What was chosen is kept for this tab.
'use strict';
(() => {
  const wanted = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => {
    try {
      return sessionStorage.getItem('theme');
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const apply = () => {
    const theme = chosen() ?? (wanted.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById('theme');
    if (button) button.textContent = theme === 'dark' ? button.dataset.light : button.dataset.dark;
  };
  apply();
  wanted.addEventListener('change', apply);
  document.addEventListener('DOMContentLoaded', () => {
    apply();
    document.getElementById('theme').addEventListener('click', () => {
      const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
      try {
        sessionStorage.setItem('theme', next);
      } catch {
        // it is not kept, and holds until the page is loaded again
      }
      apply();
      if (document.documentElement.dataset.theme !== next) document.documentElement.dataset.theme = next;
    });
  });
})();
