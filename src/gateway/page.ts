/** The page at `/` until WebChat comes: how to use the command line. No script, no data of the user's, no token. */

const COMMANDS: readonly (readonly [command: string, what: string])[] = [
  ['openclaw agent -m "hello"', 'Talk to the agent; the answer streams into the terminal.'],
  ['openclaw status', 'What runs, what waits, which model answers.'],
  ['openclaw runs list', 'Every run, with what it cost and how it ended.'],
  ['openclaw runs show <id>', 'One run step by step, with the link to the Temporal Web UI.'],
  ['openclaw doctor', 'What is wrong, if anything, and what to do about it.'],
];

export function page(version: string, uiUrl: string | undefined): string {
  const rows = COMMANDS.map(([command, what]) => `<li><code>${escape(command)}</code><span>${escape(what)}</span></li>`).join('\n');
  const ui = uiUrl === undefined ? '' : `<p>Every conversation is a Temporal workflow: <a href="${escape(uiUrl)}" rel="noreferrer">open the Web UI</a>.</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>OpenClaw on Temporal</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>OpenClaw <small>on Temporal</small></h1>
<p>The gateway is running. Talk to your agent from a terminal on this machine:</p>
<ul>
${rows}
</ul>
${ui}
<footer>version ${escape(version)} · <a href="/healthz">health</a> · <a href="/readyz">readiness</a></footer>
</main>
</body>
</html>
`;
}

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export const STYLE = `:root{--bg:#faf9f7;--fg:#1d1c1a;--dim:#6b6760;--line:#e4e0d9;--box:#fff;--accent:#b3401f}
@media (prefers-color-scheme:dark){:root{--bg:#161514;--fg:#eeebe6;--dim:#9b958b;--line:#2e2b28;--box:#1f1d1b;--accent:#ff8a65}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.6 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:12vh 1.5rem 3rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .5rem;letter-spacing:-.02em}
h1 small{color:var(--dim);font-weight:400}
ul{list-style:none;margin:2rem 0;padding:0;border:1px solid var(--line);border-radius:12px;background:var(--box);overflow:hidden}
li{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.9rem 1.1rem;border-top:1px solid var(--line)}
li:first-child{border-top:0}
code{font:14px/1.7 ui-monospace,monospace;color:var(--accent);min-width:16rem}
span{color:var(--dim)}
a{color:var(--accent)}
footer{margin-top:3rem;color:var(--dim);font-size:.875rem}
`;
