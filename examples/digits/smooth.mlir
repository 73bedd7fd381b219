ttc.model @smooth(%x: tensor<?x64xf32> {ttc.name = "x"}) -> tensor<?x10xf32> {
  %0 = ttc.linear "net.0" (%x) : tensor<?x64xf32> -> tensor<?x128xf32>
  %1 = ttc.neuron LIB "net.1" (%0) : tensor<?x128xf32>
  %2 = ttc.linear "net.2" (%1) : tensor<?x128xf32> -> tensor<?x10xf32>
  %3 = ttc.neuron LI "net.3" (%2) : tensor<?x10xf32>
  ttc.return %3 : tensor<?x10xf32>
}
