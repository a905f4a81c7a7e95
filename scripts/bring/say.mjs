/**
 * One line per thing done, and one line per failure with what to do about it. Plain JavaScript that runs on Node 20, as
 * everything in this folder: it works before anything is installed.
 */

/** Progress goes to stderr: stdout belongs to what a script answers. */
export function say(line) {
  process.stderr.write(`• ${line}\n`);
}

/** A failure a person can act on. */
export class Problem extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Runs a script's main function; a `Problem` becomes one line "what happened → what to do" and exit code 1. */
export async function main(run) {
  try {
    const code = await run();
    if (typeof code === 'number') process.exitCode = code;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`${error.message} → ${error.hint}\n`);
    process.exitCode = 1;
  }
}
