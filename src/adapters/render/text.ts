/** Plain text as any platform takes it. Pure. Invariant: what leaves `clean` is well-formed and free of control characters but newline and tab. */

/** Escape sequences of terminals first, whole; then whatever other control characters there are. */
const CONTROL = /\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
const SUSPECT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/;

export function clean(value: string): string {
  const text = value.isWellFormed() ? value : value.toWellFormed();
  return SUSPECT.test(text) ? text.replace(/\r\n?|[\u2028\u2029]/g, '\n').replace(CONTROL, '') : text;
}

/** Platforms refuse a message in which nothing can be seen, whatever invisible characters it has. The braille blank is drawn as one. */
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{M}\u2800]/u;

export const isVisible = (text: string): boolean => VISIBLE.test(text);

const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const NARROW = /^[\u0020-\u02ff]*$/;

/** Columns in a monospaced font. */
export function columns(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const char of text) if (!/[\p{M}\p{Cf}]/u.test(char)) width += WIDE.test(char) ? 2 : 1;
  return width;
}
