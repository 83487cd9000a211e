
fn main() {
    for line in std::io::stdin().lines() {
        let line = line.expect("stdin is text");
        let part: Vec<&str> = line.split('\t').collect();
        let header = |name: &str| match name {
            "webhook-id" => Some(part[2]),
            "webhook-timestamp" => Some(part[3]),
            _ => Some(part[4]),
        };
        let body = data_encoding::HEXLOWER.decode(part[5].as_bytes()).expect("hex");
        match verify(part[0], header, &body, part[1].parse().expect("seconds")) {
            Ok(good) => println!("{good}"),
            Err(_) => println!("error"),
        }
    }
}
