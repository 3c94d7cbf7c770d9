'use strict';
// Choosing: a service, a cell of it, an order of services, words to search for. All that is shown is in the page.
document.documentElement.classList.add('js');
document.addEventListener('DOMContentLoaded', () => {
  const $ = (s, at) => (at || document).querySelector(s);
  const $$ = (s, at) => [...(at || document).querySelectorAll(s)];
  const chooser = $('#service'), table = $('#services'), articles = $$('article');
  const rows = table ? $$('tbody tr', table) : [];

  function chooseCell(article, cell) {
    $$('[data-c]', article).forEach(e => e.classList.toggle('on', e.dataset.c === cell));
    const select = $('select', article), row = $('tr[data-c="' + cell + '"]', article);
    if (!select || !row) return;
    select.value = cell;
    const names = $$('thead th', row.closest('table')).map(e => e.textContent);
    const at = name => row.cells[names.indexOf(name)].textContent;
    $('svg.c', article).setAttribute('aria-label',
      'Distribution of times in ' + at('cell') + ', measured and predicted');
    $('.said', article).textContent =
      at('cell') + ', ' + at('kind') + ', ' + at('rows') + ' rows: KS ' + at('KS') + ' at a floor of ' +
      at('floor') + '; p95 ' + at('p95, ms') + ' ms, the model says ' + at('model p95') + ' ms';
  }

  function prepare(article) { // its list of cells, made when it is first shown
    const select = $('select', article);
    if (!select || select.options.length) return;
    $$('tr[data-c]', article).forEach(r => {
      select.add(new Option(r.cells[0].textContent + ' (' + r.cells[1].textContent + ')', r.dataset.c));
    });
    select.addEventListener('change', () => chooseCell(article, select.value));
    const move = by => {
      select.selectedIndex = (select.selectedIndex + by + select.options.length) % select.options.length;
      chooseCell(article, select.value);
    };
    $('.before', article).addEventListener('click', () => move(-1));
    $('.after', article).addEventListener('click', () => move(1));
    article.addEventListener('click', e => {
      const mark = e.target.closest('path[data-c], tr[data-c]');
      if (mark && !String(getSelection())) chooseCell(article, mark.dataset.c);
    });
    chooseCell(article, $('g.on', article).dataset.c);
  }

  function chooseService(id, cell) {
    const all = id === 'all';
    document.documentElement.classList.toggle('all', all);
    articles.forEach(a => {
      a.classList.toggle('on', a.id === id);
      if (all || a.id === id) prepare(a);
    });
    rows.forEach(r => r.classList.toggle('on', r.dataset.s === id));
    chooser.value = id;
    if (cell) chooseCell(document.getElementById(id), cell);
    $('#earlier').disabled = all || chooser.selectedIndex === 0;
    $('#later').disabled = all || chooser.selectedIndex >= articles.length - 1;
  }

  function follow() { // #s3 and #s3c12 name a service and a cell of it
    const m = /^#(s\d+|all)(?:c(\d+))?$/.exec(location.hash);
    if (m && (m[1] === 'all' || document.getElementById(m[1]))) {
      chooseService(m[1], m[2]);
      $('#each').scrollIntoView();
      const heading = $('article.on h3');
      if (heading && m[1] !== 'all') heading.focus({ preventScroll: true });
    }
  }

  function sortBy(th) {
    const column = th.cellIndex, up = th.getAttribute('aria-sort') !== 'ascending';
    $$('thead th', table).forEach(e => e.removeAttribute('aria-sort'));
    th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const value = r => r.cells[column].dataset.v || r.cells[column].textContent;
    const none = v => v === '' || v === '-';
    const words = v => isNaN(parseFloat(v));
    const compare = (a, b) => words(a) || words(b) ? a.localeCompare(b) : parseFloat(a) - parseFloat(b);
    rows.sort((a, b) => {
      const p = value(a), q = value(b);
      return none(p) || none(q) ? none(p) - none(q) : (up ? 1 : -1) * compare(p, q);
    });
    rows.forEach(r => r.parentNode.append(r));
  }

  function search() {
    const words = $('#search').value.toLowerCase().split(/\s+/);
    let n = 0;
    rows.forEach(r => {
      const found = words.every(w => r.textContent.toLowerCase().includes(w));
      r.classList.toggle('off', !found);
      n += found;
    });
    $('#found').textContent = n + ' of ' + rows.length + ' services';
  }

  if (table) {
    $$('thead th', table).forEach(th => {
      const b = document.createElement('button');
      b.type = 'button';
      b.append(...th.childNodes);
      th.append(b);
      b.addEventListener('click', () => sortBy(th));
    });
    $('#search').addEventListener('input', search);
  }
  function prepareSweep(sweep) { // choosing a trial: its line, its row, its values
    const select = $('select', sweep), rows = $$('tr[data-t]', sweep);
    if (!rows.length) return;
    const names = $$('thead th', rows[0].closest('table')).map(e => e.textContent);
    const marks = new Map();
    rows.forEach(r => {
      marks.set(r.dataset.t, [r]);
      select.add(new Option(r.cells[0].textContent + ': ' + r.cells[3].textContent + ', ' + r.cells[1].textContent,
        r.dataset.t));
    });
    $$('path[data-t]', sweep).forEach(p => marks.get(p.dataset.t).push(p));
    let chosen = [];
    const choose = trial => {
      chosen.forEach(e => e.classList.remove('on'));
      chosen = marks.get(trial);
      chosen.forEach(e => e.classList.add('on'));
      if (chosen[1]) chosen[1].parentNode.insertBefore(chosen[1], $('.rim', sweep)); // above the others
      select.value = trial;
      $('.said', sweep).textContent = [...chosen[0].cells].map((c, i) => [names[i], c.textContent.trim()])
        .filter(([, text]) => text && text !== '-').map(pair => pair.join(' ')).join('; ');
    };
    const move = by => {
      select.selectedIndex = (select.selectedIndex + by + rows.length) % rows.length;
      choose(select.value);
    };
    select.addEventListener('change', () => choose(select.value));
    $('.before', sweep).addEventListener('click', () => move(-1));
    $('.after', sweep).addEventListener('click', () => move(1));
    sweep.addEventListener('click', e => {
      const mark = e.target.closest('[data-t]');
      if (mark && !String(getSelection())) choose(mark.dataset.t);
    });
    choose(rows[0].dataset.t);
  }

  $$('.sweep').forEach(prepareSweep);
  if (!articles.length) return;
  articles.forEach(a => chooser.add(new Option($('h3', a).textContent, a.id)));
  if (articles.length > 1) chooser.add(new Option('all services', 'all'));
  chooser.addEventListener('change', () => chooseService(chooser.value));
  const step = by => chooseService(articles[articles.findIndex(a => a.id === chooser.value) + by].id);
  $('#earlier').addEventListener('click', () => step(-1));
  $('#later').addEventListener('click', () => step(1));
  window.addEventListener('hashchange', follow);
  chooseService(articles[0].id);
  follow();
});
