use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 sha256);
use MIME::Base64 qw(decode_base64 encode_base64);

# $body: the bytes as received. %$headers: names in lower case.
sub verify {
    my ($secret, $headers, $body, $now) = @_;
    my ($id, $timestamp, $signatures) =
        map { $headers->{"webhook-$_"} // '' } qw(id timestamp signature);
    return 0 unless $id =~ /\A[A-Za-z0-9_-]{1,64}\z/ && $timestamp =~ /\A[0-9]{1,11}\z/;
    return 0 if abs(($now // time) - $timestamp) > 300;

    my $key = decode_base64($secret =~ s/^whsec_//r);
    die "the secret is too short\n" if length $key < 24;
    my $expected = 'v1,' . encode_base64(hmac_sha256("$id.$timestamp.$body", $key), '');
    my @given = split / /, $signatures, 17;
    # Digests are compared, so the time says nothing about the signature.
    return 0 + grep { sha256($_) eq sha256($expected) } @given[0 .. ($#given < 15 ? $#given : 15)];
}
