/** The look of the page: list and mail side by side, one after the other on a phone; light or dark as the system is. */

/** The style sheet. */
export const STYLE = `:root {
    color-scheme: light dark;
    --ground: #f4f6f6; --sheet: #fff; --ink: #17211f; --soft: #566461; --line: #d9e0de; --accent: #0f766e; --chosen: #dff1ee;
}
@media (prefers-color-scheme: dark) {
    :root {
        --ground: #121817; --sheet: #1a2221; --ink: #e6edeb; --soft: #9fb0ac; --line: #2d3937; --accent: #5eead4; --chosen: #163d38;
    }
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body {
    display: grid; grid-template: auto minmax(0, 1fr) / minmax(18rem, 26rem) minmax(0, 1fr);
    background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif;
}
a { color: var(--accent); }
a:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.bar {
    grid-column: 1 / -1; display: flex; align-items: center; gap: 1rem; padding: .6rem 1rem;
    border-bottom: 1px solid var(--line); background: var(--sheet);
}
.bar form { margin: 0 0 0 auto; }
.home { color: var(--ink); font-weight: 650; font-size: 1.05rem; text-decoration: none; }
.aside { color: var(--soft); }
#status { color: #b45309; font-weight: 600; }
button {
    font: inherit; padding: .3rem .8rem; border: 1px solid var(--line); border-radius: 6px;
    background: var(--sheet); color: var(--ink); cursor: pointer;
}
button:hover { border-color: var(--accent); }
#list { overflow-y: auto; border-right: 1px solid var(--line); }
#list ol { list-style: none; margin: 0; padding: 0; }
#list a {
    display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem .8rem; padding: .6rem 1rem;
    border-bottom: 1px solid var(--line); color: inherit; text-decoration: none;
}
#list a:hover { background: var(--sheet); }
#list a[aria-current] { background: var(--chosen); box-shadow: inset 3px 0 var(--accent); }
#list .subject { grid-column: 1 / -1; font-weight: 600; }
#list .subject, #list .people { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#list .people, time { color: var(--soft); font-size: .87rem; }
time { font-variant-numeric: tabular-nums; }
.none { margin: 0; padding: 2rem 1rem; color: var(--soft); text-align: center; }
main { min-height: 0; }
article { display: flex; flex-direction: column; height: 100%; padding: 1rem 1.25rem 1.25rem; }
.back { display: none; margin-bottom: .6rem; }
h1 { margin: 0 0 .4rem; font-size: 1.25rem; line-height: 1.3; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .1rem .8rem; margin: 0; }
dl.people { max-height: 6.5rem; overflow-y: auto; flex: none; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.attachments { display: flex; flex-wrap: wrap; gap: .4rem; max-height: 5rem; overflow-y: auto; flex: none; margin: .6rem 0 0; padding: 0; list-style: none; }
.attachments li { padding: .15rem .6rem; border: 1px solid var(--line); border-radius: 6px; overflow-wrap: anywhere; }
.attachments small { color: var(--soft); }
.tabs { display: flex; flex: none; gap: .3rem; margin: .9rem 0 0; }
.tabs a { padding: .35rem .8rem; white-space: nowrap; border-radius: 6px 6px 0 0; text-decoration: none; }
.tabs a[aria-current] { background: var(--sheet); border: 1px solid var(--line); border-bottom: 0; color: var(--ink); font-weight: 600; }
.tabs a[download] { margin-left: auto; padding-right: 0; }
iframe, pre, dl.headers, article > .none { flex: 1; min-height: 0; margin: 0; border: 1px solid var(--line); background: var(--sheet); }
iframe { width: 100%; }
pre, dl.headers { overflow: auto; padding: 1rem; font: 13px/1.5 ui-monospace, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
dl.headers { align-content: start; gap: .3rem 1rem; }
@media (max-width: 760px) {
    body { display: flex; flex-direction: column; }
    .aside { display: none; }
    #list, main { flex: 1; min-height: 0; border: 0; }
    .at-list main, .at-mail #list { display: none; }
    .back { display: inline-block; }
    article { padding: .8rem; }
    .tabs a { padding: .35rem .6rem; }
    dl.headers { grid-template-columns: minmax(0, 1fr); }
    dl.headers dd { margin-bottom: .5rem; }
}
`;
