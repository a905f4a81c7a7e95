/**
 * Words of a command line that a person pastes into a shell, or reads as one. Pure.
 * Invariant: what comes out is one word to any POSIX shell, and it is exactly the text that went in.
 */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
