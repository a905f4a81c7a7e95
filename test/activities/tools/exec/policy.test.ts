/** What the allowlist lets through, held against a real shell, and what it refuses. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_ALLOW, decideExec, type ExecPlace } from '../../../../src/activities/tools/exec/policy.js';
import { parseSimple } from '../../../../src/activities/tools/exec/words.js';
import { makeFolder } from '../helpers/env.js';

let place: ExecPlace;
let root: string;
beforeEach(() => {
  root = makeFolder();
  const workspace = join(root, 'state', 'workspace');
  mkdirSync(join(workspace, 'sub'), { recursive: true });
  mkdirSync(join(root, 'extra'));
  writeFileSync(join(root, 'state', 'openclaw.db'), '');
  writeFileSync(join(workspace, 'notes.md'), 'notes');
  symlinkSync('/etc', join(workspace, 'out'));
  symlinkSync('/etc/passwd', join(workspace, 'sub', 'pw'));
  symlinkSync(join(workspace, 'notes.md'), join(workspace, 'inside'));
  place = { workspace, roots: [join(root, 'extra')], stateDir: join(root, 'state') };
});
const decide = (command: string, mode: 'deny' | 'allowlist' | 'full', allow: readonly string[]): string | undefined => {
  const decision = decideExec(command, mode, allow, place);
  return 'problem' in decision ? decision.problem : undefined;
};
const ask = (command: string, allow: readonly string[] = DEFAULT_ALLOW): string | undefined => decide(command, 'allowlist', allow);

describe('an allowed command', () => {
  it.each([
    'pwd', 'ls', 'ls -la', 'ls -la sub', 'ls --all sub', 'cat notes.md', 'cat ./notes.md sub/new.txt', 'cat -- -odd', 'cat inside', 'cat -',
    'head -n 5 notes.md', 'head -n5 notes.md', 'head -5 notes.md', 'tail -n +3 notes.md', 'tail --lines=3 notes.md',
    'wc -l notes.md', 'date', 'date -u +%F', "date '+%Y %H'", 'date -d tomorrow', 'date --date=yesterday', 'sleep 5', 'sleep 0.5s',
    'grep -rn todo .', 'grep -rn "/etc/passwd" .', "grep -e '/x' notes.md", 'grep -C2 notes notes.md', 'grep --include=*.md -r x', "grep -E 'a|b' notes.md",
    'echo', 'echo hi', "echo 'a; rm -rf /'", 'echo "a | b > c"', 'echo /etc/passwd', 'echo ../..', 'echo -e x', 'echo "it\'s"', "echo 'say \"hi\"'", 'echo a\\;b',
    'echo ünïcödé ☃ 日本語 👍', 'echo "‮⁦rtl"', 'echo a#b', 'echo key=value', "echo ''", 'echo "a\\"b"',
  ])('%s', (command) => {
    if (command.includes('=*')) expect(ask(command)).toContain('glob');
    else expect(ask(command)).toBeUndefined();
  });

  it('may name the workspace and the configured roots in full', () => {
    expect(ask(`cat ${place.workspace}/notes.md`)).toBeUndefined();
    expect(ask(`ls ${root}/extra`)).toBeUndefined();
  });
});

describe('refused, with the reason', () => {
  it.each([
    ['', 'empty'], ['   ', 'empty'], ['\n', 'empty'], ['echo a\0b', 'null byte'], ["echo 'a\0b'", 'null byte'],
    ['echo hi > f', 'redirection'], ['echo hi>f', 'redirection'], ['echo hi >> f', 'redirection'], ['cat < f', 'redirection'], ['echo x 2>&1', 'redirection'], ['cat <<< x', 'redirection'], ['cat <(ls)', 'redirection'],
    ['echo a; ls', 'chaining'], ['echo a;ls', 'chaining'], ['echo a && ls', 'chaining'], ['echo a || ls', 'pipe'], ['echo a | cat', 'pipe'], ['echo a |& cat', 'pipe'], ['sleep 5 &', 'background'], ['sleep 5&', 'background'],
    ['echo a\nls', 'more than one line'], ['echo a\r\nls', 'carriage return'], ['echo a \\\nls', 'end of a line'], ['echo "a\\\nb"', 'end of a line'], ['echo a\\', 'end of a line'],
    ['echo $HOME', 'expansion ($)'], ['echo ${HOME}', 'expansion ($)'], ['echo $(id)', 'expansion ($)'], ['echo "$(id)"', 'expansion ($)'], ['echo "a $HOME"', 'expansion ($)'], ["echo $'a\\nb'", 'expansion ($)'], ['echo $((1+1))', 'expansion ($)'],
    ['echo `id`', 'substitution'], ['echo "`id`"', 'substitution'],
    ['(ls)', 'subshell'], ['ls)', 'subshell'], ['echo {a,b}', 'brace'], ['{ ls; }', 'brace'],
    ['ls *', 'glob'], ['cat n?tes.md', 'glob'], ['cat [n]otes.md', 'glob'], ['ls sub/*', 'glob'],
    ['X=1 ls', 'assignment'], ['PATH=. ls', 'assignment'], ['LD_PRELOAD=x.so ls', 'assignment'], ['! ls', 'negation'], ['# ls', 'comment'], ['ls # x', 'comment'],
    ['ls ~', 'expansion (~)'], ['ls ~root', 'expansion (~)'], ['cat ~/.ssh/id_rsa', 'expansion (~)'], ["cat '~'", 'leads out'],
    ["echo 'a", 'not closed'], ['echo "a', 'not closed'], ['echo "a\\"', 'not closed'], ["echo it's", 'not closed'],
    ['rm notes.md', 'not on the list'], ['/bin/ls', 'not on the list'], ['./ls', 'not on the list'], ['LS', 'not on the list'], ['l\u0455', 'not on the list'], ['bash -c ls', 'not on the list'], ['command ls', 'not on the list'], ['"ls -la"', 'not on the list'], ["'' ls", 'not on the list'], ['constructor', 'not on the list'], ['\u00a0ls', 'not on the list'],
    ['cat /etc/passwd', 'outside'], ['cat notes.md /etc/passwd', 'outside'], ['ls /', 'outside'], ['cat ..', '`..`'], ['cat ../openclaw.db', '`..`'], ['cat sub/../../openclaw.db', '`..`'], ['cat sub/..', '`..`'],
    ['cat out/passwd', 'outside'], ['ls out', 'outside'], ['cat sub/pw', 'outside'], ['cat "o"ut/passwd', 'outside'], ['cat \\/etc/passwd', 'outside'], ['cat out/does-not-exist', 'outside'],
    ['ls -L sub', 'not among'], ['ls --dereference', 'not among'], ['ls -laH out', 'not among'], ['cat --help', 'not among'],
    ['date -s 2020-01-01', 'not among'], ['date --set=now', 'not among'], ['date --se=now', 'not among'], ['date 010100002030', 'format'], ['date -f /etc/passwd', 'not among'], ['date -r /etc/passwd', 'outside'],
    ['grep -f /etc/passwd x', 'outside'], ['grep -f/etc/passwd x', 'outside'], ['grep -rf/etc/passwd x', 'outside'], ['grep --file=/etc/passwd x', 'not among'], ['grep --fil=/etc/passwd x', 'not among'], ['grep -e x /etc/passwd', 'outside'], ['grep x /etc/passwd', 'outside'], ['grep x sub -f/etc/passwd', 'before its pattern'], ['grep foo -e /etc/passwd', 'before its pattern'], ['grep -R x .', 'not among'], ['grep -A /etc/passwd x', 'takes a number'], ['grep -C 5 /etc/passwd', 'not among'], ['grep -ie', 'lacks its value'], ['grep x sub/pw', 'outside'],
    ['tail --pid=1 notes.md', 'not among'], ['tail -n /etc/passwd x', 'takes a number'], ['head -c 5 /etc/passwd', 'outside'], ['wc --files0-from=/etc/passwd', 'not among'], ['wc --files0-from=-', 'not among'],
  ])('%j: %s', (command, reason) => {
    expect(ask(command)).toContain(reason);
  });

  it('the state directory, though a root may contain it', () => {
    place = { ...place, roots: [root] };
    expect(ask(`cat ${root}/state/openclaw.db`)).toContain('state directory');
    expect(ask(`cat ${root}/extra/x`)).toBeUndefined();
  });

  it('paths relative to the folder the command runs in', () => {
    place = { ...place, cwd: join(place.workspace, 'sub') };
    expect(ask('cat pw')).toContain('outside');
    expect(ask('cat other')).toBeUndefined();
  });

  it('every way a program of the owner’s own list could be given a path', () => {
    const allow = ['git'];
    for (const bad of ['git -C /etc log', 'git --git-dir=/etc/x log', 'git -C/etc log', 'git clone file:///etc x', 'git show HEAD:../x', 'git --work-tree=../.. log', 'git diff --output=/tmp/x', 'git add out/x', 'git x=~/y']) {
      expect(ask(bad, allow), bad).toMatch(/^Refused/);
    }
    for (const good of ['git log --oneline', 'git show HEAD:notes.md', 'git commit -m "fix: a, b"', 'git clone https://example.com/x.git sub/x', 'git log --since=2024-01-01']) {
      expect(ask(good, allow), good).toBeUndefined();
    }
  });
});

it.each(['tail -f notes.md', 'tail -F notes.md', 'tail -fn5 notes.md', 'tail --follow notes.md', 'tail --follow=name notes.md'])('%s never ends, so it is refused', (command) => {
  expect(ask(command)).toContain('not among those allowed');
});

describe('a folder that holds the state directory', () => {
  const walks = (folder: string): readonly string[] => [
    `ls -R ${folder}`, `ls -laR ${folder}`, `ls --recursive ${folder}`, `ls ${folder} -R`, `grep -r secret ${folder}`, `grep -rn secret ${folder}`, `grep -rle secret ${folder}`,
    `grep -re secret ${folder}`, `grep -rnA2 secret ${folder}`, `grep --recursive secret ${folder}`, `grep -r -e secret ${folder}`, `grep -R secret ${folder}`, `grep -Rl secret ${folder}`, `grep --dereference-recursive secret ${folder}`,
  ];

  it('is not walked, though a root may contain it', () => {
    symlinkSync(root, join(place.workspace, 'up'));
    place = { ...place, roots: [root] };
    for (const command of [...walks(root), ...walks('up'), `find ${root} -name x`, `grep -r x sub ${root}`, `rg --hidden x ${root}`, `tar c ${root}`]) {
      expect(ask(command, [...DEFAULT_ALLOW, 'find', 'rg', 'tar']), command).toMatch(/^Refused/);
    }
    expect(ask(`grep -r secret ${root}`)).toContain('state directory');
  });

  it('is not walked as the folder the command runs in', () => {
    place = { workspace: root, roots: [], stateDir: join(root, 'state') };
    const patterns = join(root, 'patterns');
    for (const command of [...walks(''), ...walks('.'), `grep -rf ${patterns}`, 'rg x', 'find']) expect(ask(command, [...DEFAULT_ALLOW, 'rg', 'find']), command).toMatch(/^Refused/);
    place = { ...place, cwd: join(root, 'extra') };
    expect(ask('grep -r x')).toBeUndefined();
    expect(ask('rg x', ['rg'])).toBeUndefined();
    expect(ask(`grep -r x ${root}`)).toContain('state directory');
  });

  it('may be listed, and what lies beside the state directory may be walked', () => {
    place = { workspace: root, roots: [], stateDir: join(root, 'state') };
    for (const command of [`ls ${root}`, 'ls -r', 'cat .', 'head -c 5 .', 'grep x .', 'grep -eR x', 'grep -e -r x', 'grep -- -r x', 'ls -R extra', `grep -rn x ${root}/extra`, 'grep -r x extra -', 'echo -R']) {
      expect(ask(command), command).toBeUndefined();
    }
  });

  it('is not the workspace in it, which may be walked', () => {
    for (const command of ['ls -R', 'ls -R .', 'grep -rn x', `grep -r x ${place.workspace} ${root}/extra`]) expect(ask(command), command).toBeUndefined();
    expect(ask('rg x', ['rg'])).toBeUndefined();
  });

  it('is found by its real path', () => {
    symlinkSync(join(root, 'state'), join(root, 'alias'));
    place = { workspace: root, roots: [], stateDir: join(root, 'alias') };
    expect(ask('grep -r x')).toContain('state directory');
  });
});

describe('the modes', () => {
  it('deny refuses everything, full takes everything but what cannot be executed', () => {
    expect(decide('echo hi', 'deny', DEFAULT_ALLOW)).toContain('switched off');
    expect(decide('echo hi | cat > /tmp/x; id', 'full', [])).toBeUndefined();
    expect(decide('', 'full', [])).toContain('empty');
    expect(decide('echo a\0b', 'full', [])).toContain('null byte');
    expect(decide(`echo ${'x'.repeat(100_000)}`, 'full', [])).toContain('longer than');
    expect(decide(`echo ${'x'.repeat(90_000)}`, 'full', [])).toBeUndefined();
  });

  it('a command of 100 kB is decided at once', () => {
    const at = performance.now();
    expect(ask(`echo ${'x '.repeat(49_000)}`)).toBeUndefined();
    expect(ask(`echo ${'"'.repeat(98_001)}`)).toContain('not closed');
    expect(ask(`echo ${"'' ".repeat(30_000)}`)).toBeUndefined();
    expect(ask(`echo ${'\\'.repeat(98_000)}`)).toBeUndefined();
    expect(ask(`echo ${'☃'.repeat(40_000)}`)).toContain('longer than');
    expect(performance.now() - at).toBeLessThan(1_000);
  });
});

describe('the words', () => {
  /** Pieces that shells treat in surprising ways, put together at random but the same each time. */
  const pieces = ['a', 'b c', ' ', '  ', "'", '"', '\\', "''", '""', '#', '=', '~', '!', ':', ',', '-', '%', '^', '@', '+', '.', '/', 'é', '☃', '\t', "'x y'", '"x y"', '\\"', "\\'", '\\\\', '\\ ', '"\\x"', "'\\'", '[', ']', '{', '}', '*', '$', '`', ';'];
  it('are those of a real shell, for 400 commands made of its special characters', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const commands: string[] = [];
    while (commands.length < 400) {
      const command = `x ${Array.from({ length: 1 + random(7) }, () => pieces[random(pieces.length)]).join('')}`;
      if ('words' in parseSimple(command)) commands.push(command);
    }
    const script = commands.map((command) => `set -- ${command.slice(2)}; printf '%s\\0' "$#" "$@"`).join('\n');
    for (const shell of ['/bin/sh', '/bin/bash']) {
      const printed = execFileSync(shell, ['-c', script], { cwd: place.workspace, encoding: 'utf8' }).split('\0');
      for (const command of commands) {
        const count = Number(printed.shift());
        expect([command, printed.splice(0, count)]).toEqual([command, (parseSimple(command) as { words: string[] }).words.slice(1)]);
      }
    }
  });

  it('are executed as they were checked', () => {
    expect(decideExec("grep -rn 'a  b' \"sub\"", 'allowlist', DEFAULT_ALLOW, place)).toEqual({ words: ['grep', '-rn', 'a  b', 'sub'] });
  });
});

describe('mode ask', () => {
  const asked = (command: string) => decideExec(command, 'ask', DEFAULT_ALLOW, place);

  it('runs at once what the allowlist covers, without a shell', () => {
    expect(asked('cat notes.md')).toEqual({ words: ['cat', 'notes.md'] });
  });

  it.each([
    ['npm test', '"npm" is not on the list'],
    ['cat notes.md | wc -l', 'it has a pipe'],
    ['echo hi > f', 'it has redirection'],
    ['cat /etc/passwd', 'the path "/etc/passwd" is not allowed'],
    ['grep -r x ..', 'the path ".." is not allowed'],
  ])('asks about %s, saying why', (command, why) => {
    expect(asked(command)).toEqual({ ask: command, why: expect.stringContaining(why) });
  });

  it('does not ask about what no answer could make run', () => {
    for (const command of ['', ' ', 'echo a\0b', 'x'.repeat(100_001)]) expect(asked(command)).toMatchObject({ problem: expect.any(String) });
  });
});
