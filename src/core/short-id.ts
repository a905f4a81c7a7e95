/** Ids that people read aloud and type: short, without letters and digits that look alike. Pure. */

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const LENGTH = 8;

/** @param bytes at least eight, random or of a hash */
export const shortId = (prefix: string, bytes: Uint8Array): string => `${prefix}-${Array.from(bytes.subarray(0, LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('')}`;
