
$stdin.each_line(chomp: true) do |line|
  secret, now, id, timestamp, signature, body = line.split("\t", -1)
  headers = { "webhook-id" => id, "webhook-timestamp" => timestamp, "webhook-signature" => signature }
  begin
    puts verify(secret, headers, [body].pack("H*"), now.to_f)
  rescue ArgumentError
    puts "error"
  end
end
