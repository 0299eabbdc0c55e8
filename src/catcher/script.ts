/** The script of the page: keeps the list up to date and asks before everything goes. */

/** Plain JavaScript for browsers, served as a file so that the page's policy can refuse every other. */
export const SCRIPT = `'use strict';
const list = document.getElementById('list');
const status = document.getElementById('status');
let version = '"' + list.dataset.version + '"';

function show(markup) {
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    list.innerHTML = markup;
    for (const link of list.querySelectorAll('a')) {
        if (link.getAttribute('href') === focused) link.focus({ preventScroll: true });
    }
}

async function look() {
    try {
        const headers = { 'if-none-match': version };
        const answer = await fetch('/list?open=' + list.dataset.open, { headers, cache: 'no-store' });
        if (answer.status === 200) {
            show(await answer.text());
            version = answer.headers.get('etag');
        }
        status.textContent = '';
    } catch {
        status.textContent = 'Tidings does not answer.';
    }
}

async function keepLooking() {
    if (!document.hidden) await look();
    setTimeout(keepLooking, 2000);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
document.getElementById('delete').addEventListener('click', (event) => {
    if (!confirm('Delete all caught mail?')) event.preventDefault();
});
keepLooking();
`;
