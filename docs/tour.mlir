ttc.model @tour(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x64xf32> -> tensor<?x96xf32>
  %1 = ttc.neuron LIB "net.1" (%0) quant(round) : tensor<?x96xf32>
  ttc.return %1 : tensor<?x96xf32>
}
