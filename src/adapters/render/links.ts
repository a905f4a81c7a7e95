/** Addresses of links and images. Pure. Invariant: an address that is not made a link is still readable, except where it says nothing to a person. */

/** No white space or control character in an address; platforms end it there. */
export const cleanUrl = (url: string): string => url.toWellFormed().trim().replace(/[\s\p{Cc}]/gu, (char) => encodeURIComponent(char));

/** The label is the address, perhaps without scheme: writing both would be noise. */
export function isBare(label: string, url: string): boolean {
  const core = (text: string): string => text.trim().toLowerCase().replace(/^(?:https?:\/\/|mailto:)/, '').replace(/\/$/, '');
  return core(label) === core(url);
}

/** A place in the same text, or the content itself in base64. */
const SAYS_NOTHING = /^(?:#|data:)/i;

/** What is added to a label whose address is no link. */
export const besideLabel = (label: string, url: string): string => (url === '' || SAYS_NOTHING.test(url) || isBare(label, url) ? '' : ` (${url})`);
