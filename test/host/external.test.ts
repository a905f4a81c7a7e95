/** Which Temporal is used: only what the person named, never a profile file that merely exists. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { externalTemporal } from '../../src/host/engine/external.js';

const file = join(mkdtempSync(join(tmpdir(), 'openclaw-profile-')), 'temporal.toml');
writeFileSync(
  file,
  `[profile.default]\naddress = "default.example:7233"\n\n[profile.work]\naddress = "work.example:7233"\nnamespace = "team"\napi_key = "secret"\n\n[profile.empty]\nnamespace = "x"\n`,
);

test('nothing named: the embedded server, though a profile file exists', () => {
  expect(externalTemporal({ TEMPORAL_CONFIG_FILE: file }, {})).toBeUndefined();
});

test('TEMPORAL_ADDRESS wins over temporal.address and takes nothing from the default profile', () => {
  const found = externalTemporal({ TEMPORAL_ADDRESS: '127.0.0.1:7233', TEMPORAL_CONFIG_FILE: file }, { address: 'other:7233' });
  expect(found).toMatchObject({ source: 'TEMPORAL_ADDRESS', namespace: 'openclaw', connectionOptions: { address: '127.0.0.1:7233' } });
  expect(found?.connectionOptions.apiKey).toBeUndefined();
});

test('TEMPORAL_PROFILE brings address, namespace and key of that profile', () => {
  const found = externalTemporal({ TEMPORAL_PROFILE: 'work', TEMPORAL_CONFIG_FILE: file }, {});
  expect(found).toMatchObject({ source: 'TEMPORAL_PROFILE', namespace: 'team', connectionOptions: { address: 'work.example:7233', apiKey: 'secret' } });
});

test('temporal.address from the configuration, with TLS and keys from the environment', () => {
  const found = externalTemporal({ TEMPORAL_API_KEY: 'k' }, { address: 'cloud.example:7233', namespace: 'mine' });
  expect(found).toMatchObject({ source: 'temporal.address', namespace: 'mine', connectionOptions: { address: 'cloud.example:7233', apiKey: 'k', tls: true } });
});

test('TEMPORAL_NAMESPACE wins over the configuration', () => {
  expect(externalTemporal({ TEMPORAL_ADDRESS: 'a:1', TEMPORAL_NAMESPACE: 'env' }, { namespace: 'file' })?.namespace).toBe('env');
});

test.each([['absent'], ['empty']])('the profile "%s" is refused with what to do', (profile) => {
  expect(() => externalTemporal({ TEMPORAL_PROFILE: profile, TEMPORAL_CONFIG_FILE: file }, {})).toThrow(
    expect.objectContaining({ code: 'TEMPORAL_CONFIG', hint: expect.stringMatching(/TEMPORAL/) }),
  );
});
