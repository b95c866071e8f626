// Empty on purpose: @libp2p/webrtc names this package, but only React Native ever imports it (saves 650
// packages).
