/** Child processes of the set-up: quiet when they succeed, their output kept for the failure. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Resolves with `{ code, out }`, out being stdout and stderr together; a command that does not exist has code 127. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let out = '';
    const take = (text) => (out += text);
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    child.once('error', (error) => resolve({ code: error.code === 'ENOENT' ? 127 : 126, out: error.message }));
    child.once('close', (code, signal) => resolve({ code: code ?? 128, out: signal ? `${out}\nended by ${signal}` : out }));
  });
}

/** First executable file of that name on PATH. */
export function onPath(name, env = process.env) {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** The line that says most in a failed command's output, for a one-line message. */
export function gist(out) {
  const lines = out.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^npm warn|^npm error( code .*)?$/i.test(line));
  return lines.find((line) => /error|ERR!|failed|cannot|not found/i.test(line)) ?? lines.at(-1) ?? 'no output';
}

/** Does the output speak of a network that is not there? Decides the advice, not the outcome. */
export const looksOffline = (out) => /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|network|resolve host|NewConnectionError|Max retries/i.test(out);
