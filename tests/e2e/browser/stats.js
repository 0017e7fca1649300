// SPDX-License-Identifier: Apache-2.0
//
// getStats() cut down to what the tests look at.

const INBOUND = [
  'kind', 'ssrc', 'packetsReceived', 'packetsLost', 'bytesReceived', 'jitter', 'audioLevel',
  'framesDecoded', 'frameWidth', 'trackIdentifier', 'mid',
];
const REMOTE_INBOUND = ['kind', 'packetsLost', 'roundTripTime'];
const OUTBOUND = ['kind', 'ssrc', 'packetsSent', 'framesEncoded', 'mid'];
const END = ['address', 'port', 'candidateType', 'relayProtocol', 'url'];

function pick(report, names) {
  return Object.fromEntries(names.filter((n) => n in report).map((n) => [n, report[n]]));
}

function describePair(reports, pairId) {
  const pair = reports.get(pairId);
  if (!pair) return null;
  const end = (id) => pick(reports.get(id) ?? {}, END);
  return {
    state: pair.state,
    nominated: pair.nominated,
    // A pair that works shows 'in-progress' while a consent check is out.
    works: pair.nominated && (pair.state === 'succeeded' || pair.writable === true),
    local: end(pair.localCandidateId),
    remote: end(pair.remoteCandidateId),
    roundTripTime: pair.currentRoundTripTime,
    responsesReceived: pair.responsesReceived,
    // Grows only when the far side's transport-wide feedback arrives.
    bitrate: pair.availableOutgoingBitrate,
  };
}

export async function summary(connection) {
  const reports = await connection.getStats();
  const of = (type) => [...reports.values()].filter((r) => r.type === type);
  return {
    connectionState: connection.connectionState,
    iceConnectionState: connection.iceConnectionState,
    inbound: of('inbound-rtp').map((r) => pick(r, INBOUND)),
    outbound: of('outbound-rtp').map((r) => pick(r, OUTBOUND)),
    remoteInbound: of('remote-inbound-rtp').map((r) => pick(r, REMOTE_INBOUND)),
    transports: of('transport').map((t) => ({
      dtlsState: t.dtlsState,
      dtlsRole: t.dtlsRole,
      srtpCipher: t.srtpCipher,
      tlsVersion: t.tlsVersion,
      pair: describePair(reports, t.selectedCandidatePairId),
    })),
  };
}
