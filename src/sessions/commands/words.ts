/** Numbers as people read them. Pure. */
export const tokens = (count: number): string => `${count.toLocaleString('en-US')} ${count === 1 ? 'token' : 'tokens'}`;
export const money = (usd: number): string => `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
