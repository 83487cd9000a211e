
while (my $line = <STDIN>) {
    chomp $line;
    my ($secret, $now, $id, $timestamp, $signature, $body) = split /\t/, $line, -1;
    my %headers = ('webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature);
    my $good = eval { verify($secret, \%headers, pack('H*', $body), $now) };
    print $@ ? "error\n" : $good ? "true\n" : "false\n";
}
