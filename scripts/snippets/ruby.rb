require "openssl"

# body: the bytes as received. headers: names in lower case.
def verify(secret, headers, body, now = Time.now.to_f)
  id, timestamp, signatures = %w[webhook-id webhook-timestamp webhook-signature].map { |n| headers[n].to_s }
  return false unless id.match?(/\A[A-Za-z0-9_-]{1,64}\z/) && timestamp.match?(/\A[0-9]{1,11}\z/)
  return false if (now - timestamp.to_i).abs > 300

  key = secret.delete_prefix("whsec_").unpack1("m0")
  raise ArgumentError, "the secret is too short" if key.bytesize < 24
  digest = OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{timestamp}.".b + body.b)
  expected = "v1," + [digest].pack("m0")
  signatures.split(" ").first(16).any? do |one|
    one.bytesize == expected.bytesize && OpenSSL.fixed_length_secure_compare(one, expected)
  end
end
