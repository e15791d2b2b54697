/** The page's style: readable in print, in the dark and without colour. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --faint: #595961; --line: #d5d5dc; --bad: #8f1d14; --bad-paper: #fdeceb; --good: #1d5b2f; --warn-paper: #fff4d6; --link: #0b4fa3; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --paper: #16161a; --faint: #a9a9b4; --line: #3a3a44; --bad: #ffb3ab; --bad-paper: #41201d; --good: #9bd8ac; --warn-paper: #453a17; --link: #8ebdff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { line-height: 1.2; margin: 0 0 .5rem; }
h2 { margin-top: 2.5rem; }
h3 { margin: 2rem 0 .25rem; }
p { margin: .25rem 0; max-width: 60rem; }
a { color: var(--link); }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; font-size: .9rem; }
.legend .cell { display: inline-block; width: 1.6rem; text-align: center; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; margin-top: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
caption { text-align: left; padding: .6rem .8rem; color: var(--faint); }
th, td { padding: .3rem .6rem; border-top: 1px solid var(--line); text-align: center; white-space: nowrap; }
th[scope=row] { text-align: left; font-weight: 400; white-space: normal; min-width: 16rem; }
thead th { position: sticky; top: 0; background: var(--paper); border-bottom: 2px solid var(--line); }
thead th:nth-child(2) { text-align: left; }
tbody tr:hover { background: color-mix(in srgb, var(--line) 35%, transparent); }
.number { color: var(--faint); text-align: right; }
td.cell { font-size: 1.1rem; }
td.cell a { color: inherit; text-decoration: none; display: block; }
td.cell a:focus-visible, td.cell a:hover { outline: 2px solid var(--link); }
.present { color: var(--bad); background: var(--bad-paper); }
.absent { color: var(--good); }
.not { color: var(--faint); }
.unproven { background: var(--warn-paper); font-weight: 700; }
.words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
tfoot td, tfoot th { font-weight: 700; border-top: 2px solid var(--line); }
dt { font-weight: 700; }
dd { margin: 0 0 .4rem 1.5rem; max-width: 58rem; }
.source { color: var(--faint); font-size: .9rem; }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .7rem; margin: .35rem 0; }
pre:target { border-color: var(--link); }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { overflow-x: auto; font: .82rem/1.45 ui-monospace, monospace; padding: .5rem; border-top: 1px solid var(--line); }
`;
