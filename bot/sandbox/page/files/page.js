// The conversation, live. Everything is made of elements and text: nothing
// that comes from the server is ever read as HTML.
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const threads = $('threads');
  const form = $('write');
  const text = $('text');
  const icons = {
    direct: 'M3 5h18v14H3V5zm2 2v.5l7 4.7 7-4.7V7H5zm14 10V9.9l-7 4.7-7-4.7V17h14z',
    private: 'M12 2a5 5 0 0 0-5 5v3H5v12h14V10h-2V7a5 5 0 0 0-5-5zm-3 8V7a3 3 0 0 1 6 0v3H9z',
    unlisted: 'M12 3a7 7 0 0 0 9 9 9 9 0 1 1-9-9z',
    public: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm7.9 9h-3.4a15 15 0 0 0-1.4-6.3A8 8 0 0 1 19.9 11zM12 4.1c1 1.3 2.2 3.7 2.5 6.9h-5C9.8 7.8 11 5.4 12 4.1zM4.1 13h3.4a15 15 0 0 0 1.4 6.3A8 8 0 0 1 4.1 13zm3.4-2H4.1a8 8 0 0 1 4.8-6.3A15 15 0 0 0 7.5 11zm4.5 8.9c-1-1.3-2.2-3.7-2.5-6.9h5c-.3 3.2-1.5 5.6-2.5 6.9zm3.1-.6a15 15 0 0 0 1.4-6.3h3.4a8 8 0 0 1-4.8 6.3z',
  };
  let parent = ''; // the post that is answered
  let began = false; // what comes from now on is news

  const copyOf = (id) => $(id).content.firstElementChild.cloneNode(true);

  // words writes the paragraphs of a post.
  function words(paragraphs) {
    return paragraphs.map((pieces) => {
      const p = document.createElement('p');
      for (const piece of pieces) {
        if (piece.break) {
          p.append(document.createElement('br'));
          continue;
        }
        let node = document.createTextNode(piece.text ?? '');
        if (piece.link) {
          const a = document.createElement('a');
          a.href = piece.link;
          a.rel = 'noreferrer noopener';
          a.target = '_blank';
          a.append(node);
          node = a;
        } else if (piece.name) {
          const name = document.createElement('span');
          name.className = 'mention';
          name.translate = false;
          name.append(node);
          node = name;
        }
        p.append(node);
      }
      return p;
    });
  }

  function picture(one) {
    const figure = copyOf('picture');
    const alt = figure.querySelector('.alt');
    const img = figure.querySelector('img');
    alt.textContent = one.alt || alt.dataset.none;
    img.alt = one.alt || alt.dataset.silent;
    if (one.width && one.height) {
      img.width = one.width;
      img.height = one.height;
    }
    img.src = 'media/' + encodeURIComponent(one.id);
    return figure;
  }

  function element(post) {
    const li = copyOf('post');
    const article = li.querySelector('article');
    const find = (selector) => article.querySelector(selector);
    li.id = 'post-' + post.id;
    article.setAttribute('aria-label', `${post.name}, ${post.clock}`);
    article.classList.toggle('mine', post.mine);
    find('.avatar').textContent = [...post.name][0]?.toUpperCase() ?? '';
    find('.name').textContent = post.name;
    find('.acct').textContent = post.acct;
    if (!post.bot) find('.bot').remove();
    if (!post.mine) find('.you').remove();
    find('path').setAttribute('d', icons[post.visibility] ?? '');
    find('.seen').textContent = post.seen;
    find('time').dateTime = post.at;
    find('time').textContent = post.clock;
    let body = find('.body');
    body.lang = post.lang;
    if (post.spoiler) {
      const warned = copyOf('warned');
      warned.querySelector('.spoiler').textContent = post.spoiler;
      body.append(warned);
      body = warned;
    }
    body.append(...words(post.paragraphs), ...post.pictures.map(picture));
    if (post.others) {
      const others = copyOf('others');
      others.querySelector('.count').textContent = post.others;
      body.append(others);
    }
    const answer = find('.answer');
    answer.setAttribute('aria-label', `${answer.textContent}: ${post.name}, ${post.headline}`);
    answer.addEventListener('click', () => {
      parent = post.id;
      $('answered').textContent = post.headline;
      $('answering').hidden = false;
      text.focus();
    });
    return li;
  }

  // rise puts the thread first in which something happened last; who reads in
  // one keeps their place in it.
  function rise(thread) {
    if (threads.firstElementChild === thread) return;
    const focused = thread.contains(document.activeElement) ? document.activeElement : null;
    threads.prepend(thread);
    focused?.focus({ preventScroll: true });
  }

  function add(post) {
    if ($('post-' + post.id)) return;
    const above = post.parent && $('post-' + post.parent);
    const thread = above ? above.closest('.thread') : copyOf('thread');
    const li = element(post);
    if (began) li.classList.add('fresh');
    thread.querySelector('ol').append(li);
    rise(thread);
    if (began && !post.mine) {
      const line = document.createElement('span');
      line.lang = post.lang;
      line.textContent = `${$('news').dataset.begin} ${post.name}: ${post.headline}`;
      $('news').replaceChildren(line);
    }
  }

  function remove(id) {
    const li = $('post-' + id);
    if (!li) return;
    const thread = li.closest('.thread');
    li.remove();
    if (!thread.querySelector('article')) thread.remove();
    if (parent === id) alone();
  }

  function states(ill) {
    const all = $('sicknesses');
    for (const [name, is] of Object.entries(ill)) {
      const state = $('state-' + name);
      const button = $('do-' + name);
      if (!state || !button) continue;
      state.dataset.state = is ? 'ill' : 'well';
      state.textContent = is ? all.dataset.ill : all.dataset.well;
      button.textContent = is ? all.dataset.mend : all.dataset.break;
      button.dataset.ill = is ? '' : 'yes'; // what a click asks for
    }
  }

  function connection(state) {
    const line = $('connection');
    if (line.dataset.state === state) return;
    line.dataset.state = state;
    line.textContent = state === 'connected' ? line.dataset.connected : line.dataset.lost;
  }

  // listen keeps one feed open, also where the browser itself gives up.
  function listen(wait) {
    const feed = new EventSource('feed');
    const on = (name, act) => feed.addEventListener(name, (event) => {
      act(JSON.parse(event.data));
      $('nothing').hidden = Boolean(threads.firstElementChild);
    });
    on('everything', (all) => {
      connection('connected');
      wait = 1000;
      const there = new Set(all.posts.map((post) => 'post-' + post.id));
      for (const li of [...threads.querySelectorAll('.thread li')]) {
        if (!there.has(li.id)) remove(li.id.slice('post-'.length));
      }
      all.posts.forEach(add);
      states(all.sicknesses);
      began = true;
    });
    on('post', add);
    on('gone', remove);
    on('sicknesses', states);
    feed.addEventListener('error', () => {
      connection('lost');
      if (feed.readyState !== EventSource.CLOSED) return;
      setTimeout(() => listen(Math.min(2 * wait, 15000)), wait);
    });
  }

  async function send(path, body) {
    const trouble = $('trouble');
    trouble.textContent = '';
    let why;
    try {
      const answer = await fetch(path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
      });
      if (answer.ok) return true;
      why = (await answer.json()).error;
    } catch {
      why = $('connection').dataset.lost;
    }
    trouble.textContent = `${trouble.dataset.begin} ${why}`;
    return false;
  }

  function alone() {
    parent = '';
    $('answering').hidden = true;
    $('answered').textContent = '';
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const said = text.value;
    if (await send('say', { text: said, parent })) {
      if (text.value === said) text.value = '';
      alone();
      text.focus();
    }
  });
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  $('alone').addEventListener('click', () => {
    alone();
    text.focus();
  });
  for (const button of form.querySelectorAll('[data-say]')) {
    button.addEventListener('click', () => send('say', { text: button.dataset.say, parent: '' }));
  }
  for (const button of document.querySelectorAll('#sicknesses button')) {
    button.dataset.ill = 'yes';
    button.addEventListener('click', () => send('sickness', { name: button.dataset.name, ill: Boolean(button.dataset.ill) }));
  }
  listen(1000);
})();
