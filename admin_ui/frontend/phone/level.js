// How loud a stream is, as a bar.
const LOOK_EVERY_MS = 80;

// Until the function that it gives back is called.
export function showLevel(meter, stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    meter.value = Math.min(1, Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length) * 4);
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    context.close();
    meter.value = 0;
  };
}
