/** Codes by which a person links two of their identities: ten minutes, once. */
import type { Tx } from './fence.js';

export interface LinkCode {
  readonly code: string;
  readonly contact: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Those of the same person that were not used are void. */
export async function putLinkCode(tx: Tx, { code, contact, expiresAt }: LinkCode): Promise<void> {
  await tx.deleteFrom('link_codes').where((e) => e.or([e('contact', '=', contact), e('expires_at', '<', Date.now())])).execute();
  await tx.insertInto('link_codes').values({ code, contact, expires_at: expiresAt, used_at: null }).execute();
}

export async function liveLinkCodes(tx: Tx): Promise<LinkCode[]> {
  const rows = await tx.selectFrom('link_codes').selectAll().where('used_at', 'is', null).where('expires_at', '>', Date.now()).execute();
  return rows.map((row) => ({ code: row.code, contact: row.contact, expiresAt: Number(row.expires_at) }));
}

export async function useLinkCode(tx: Tx, code: string): Promise<void> {
  await tx.updateTable('link_codes').set({ used_at: Date.now() }).where('code', '=', code).where('used_at', 'is', null).execute();
}
