// SPDX-License-Identifier: Apache-2.0
//
// Tells the loudest frequency in the audio a peer connection receives.

const FFT_SIZE = 8192;

export class Ear {
  constructor() {
    this.context = null;
    this.track = null;
    this.analyser = null;
    this.player = null;
  }

  // { hz, db }: `hz` is null while nothing is received. Quiet is about -100 dB or -Infinity,
  // which JSON cannot carry, hence the floor.
  async listen(connection) {
    const receivers = connection?.getReceivers() ?? [];
    const track = receivers.map((r) => r.track).find((t) => t?.kind === 'audio');
    if (!track) return { hz: null, db: -200 };
    if (track !== this.track) await this.attach(track);

    const bins = new Float32Array(this.analyser.frequencyBinCount);
    this.analyser.getFloatFrequencyData(bins);
    const loudest = bins.reduce((best, db, i) => (db > bins[best] ? i : best), 0);
    return {
      hz: (loudest * this.context.sampleRate) / FFT_SIZE,
      db: Math.max(-200, bins[loudest]),
    };
  }

  async attach(track) {
    this.context ??= new AudioContext();
    await this.context.resume();
    const stream = new MediaStream([track]);
    // Chromium only pulls a remote stream into WebAudio while an element plays it.
    this.player = new Audio();
    this.player.srcObject = stream;
    await this.player.play();
    this.analyser = new AnalyserNode(this.context, {
      fftSize: FFT_SIZE,
      smoothingTimeConstant: 0,
    });
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    this.track = track;
  }
}
