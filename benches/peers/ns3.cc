// The incast and the dumbbell of experiments/incast-dctcp.toml and experiments/dumbbell-cubic.toml on ns-3 3.44, with
// its stock TCP. One run a process; prints one line of JSON.
//
//   ns3 incast SENDERS            ns3 dumbbell TcpCubic|TcpNewReno
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/traffic-control-module.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

using namespace ns3;

namespace
{

constexpr uint16_t PORT = 5000;
// An MSS of 1460 bytes, as burstlab has it in packets of 1500 bytes without timestamps.
constexpr uint32_t MSS = 1460;
constexpr uint32_t PACKET = 1500;

/// How long each length of the queue lasted.
class Occupancy
{
  public:
    void Change(uint32_t, uint32_t length)
    {
        Advance();
        m_length = length;
    }

    double Mean()
    {
        Advance();
        double sum = 0;
        for (auto [length, span] : m_spans)
        {
            sum += length * span;
        }
        return sum / Total();
    }

    uint32_t Quantile(double q)
    {
        Advance();
        double left = q * Total();
        for (auto [length, span] : m_spans)
        {
            left -= span;
            if (left <= 0)
            {
                return length;
            }
        }
        return m_spans.rbegin()->first;
    }

  private:
    void Advance()
    {
        const double now = Simulator::Now().GetSeconds();
        m_spans[m_length] += now - m_since;
        m_since = now;
    }

    double Total() const
    {
        double total = 0;
        for (auto [length, span] : m_spans)
        {
            total += span;
        }
        return total;
    }

    std::map<uint32_t, double> m_spans;
    uint32_t m_length{0};
    double m_since{0};
};

/// What the sinks received.
struct Delivered
{
    uint64_t expected{0};
    uint64_t bytes{0};
    double done{0};

    void Take(Ptr<const Packet> packet, const Address&)
    {
        bytes += packet->GetSize();
        if (bytes == expected)
        {
            done = Simulator::Now().GetSeconds();
            Simulator::Stop();
        }
    }
};

/// A link whose device holds one packet, so that all queueing is in the queue disc above it.
NetDeviceContainer
Join(Ptr<Node> a, Ptr<Node> b, const char* rate, const char* delay)
{
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", StringValue(rate));
    link.SetDeviceAttribute("Mtu", UintegerValue(PACKET));
    link.SetChannelAttribute("Delay", StringValue(delay));
    link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1p"));
    return link.Install(a, b);
}

/// The queue before `device`. To be called before it gets an address, which would install another.
Ptr<QueueDisc>
Queue(Ptr<NetDevice> device, const char* limit, uint32_t markAt)
{
    TrafficControlHelper queue;
    if (markAt > 0)
    {
        // A step: the average follows the queue at once (weight 1), and all above the threshold is marked.
        queue.SetRootQueueDisc("ns3::RedQueueDisc",
                               "MinTh", DoubleValue(markAt),
                               "MaxTh", DoubleValue(markAt),
                               "QW", DoubleValue(1),
                               "UseEcn", BooleanValue(true),
                               "UseHardDrop", BooleanValue(false),
                               "Gentle", BooleanValue(false),
                               "MeanPktSize", UintegerValue(PACKET),
                               "MaxSize", StringValue(limit));
    }
    else
    {
        queue.SetRootQueueDisc("ns3::FifoQueueDisc", "MaxSize", StringValue(limit));
    }
    return queue.Install(device).Get(0);
}

/// A host's link, with room for whatever comes.
NetDeviceContainer
Access(Ptr<Node> host, Ptr<Node> hub)
{
    auto link = Join(host, hub, "10Gbps", "5us");
    Queue(link.Get(0), "100000p", 0);
    Queue(link.Get(1), "100000p", 0);
    return link;
}

void
SetTcp(const char* kind, const char* leastTimeout)
{
    Config::SetDefault("ns3::TcpL4Protocol::SocketType", StringValue(std::string("ns3::") + kind));
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(MSS));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(1));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(1 << 24));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(1 << 24));
    Config::SetDefault("ns3::TcpSocketBase::MinRto", StringValue(leastTimeout));
    Config::SetDefault("ns3::TcpSocketBase::ClockGranularity", StringValue("1us"));
    Config::SetDefault("ns3::TcpSocketBase::Timestamp", BooleanValue(false));
}

void
Send(Ptr<Node> from, Ipv4Address to, uint16_t port, uint64_t bytes)
{
    BulkSendHelper sender("ns3::TcpSocketFactory", InetSocketAddress(to, port));
    sender.SetAttribute("MaxBytes", UintegerValue(bytes));
    sender.SetAttribute("SendSize", UintegerValue(MSS));
    sender.Install(from).Start(Seconds(0));
}

void
Receive(Ptr<Node> node, uint16_t port, Delivered& delivered)
{
    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
    auto apps = sink.Install(node);
    apps.Start(Seconds(0));
    apps.Get(0)->TraceConnectWithoutContext("Rx", MakeCallback(&Delivered::Take, &delivered));
}

struct Outcome
{
    Delivered delivered;
    Occupancy occupancy;
    uint64_t drops{0};
    uint64_t sent{0};
    double end{0};
    double wall{0};
};

void
Run(Outcome& out, Ptr<QueueDisc> queue)
{
    queue->TraceConnectWithoutContext("PacketsInQueue", MakeCallback(&Occupancy::Change, &out.occupancy));
    const auto begin = std::chrono::steady_clock::now();
    Simulator::Run();
    out.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    out.end = Simulator::Now().GetSeconds();
    out.drops = queue->GetStats().nTotalDroppedPackets;
    out.sent = queue->GetStats().nTotalSentBytes;
}

void
Print(Outcome& out, double lineRate)
{
    std::printf("{\"done_ms\": %.3f, \"utilization\": %.4f, \"drops\": %llu, \"mean_queue\": %.1f, \"p99_queue\": %u, "
                "\"data_packets\": %.0f, \"wall_s\": %.3f}\n",
                1e3 * (out.delivered.done > 0 ? out.delivered.done : out.end),
                out.sent * 8.0 / (out.end * lineRate),
                static_cast<unsigned long long>(out.drops),
                out.occupancy.Mean(),
                out.occupancy.Quantile(0.99),
                std::ceil(static_cast<double>(out.delivered.bytes) / MSS),
                out.wall);
}

void
Incast(uint32_t senders)
{
    SetTcp("TcpDctcp", "10ms");
    NodeContainer hosts(senders);
    auto hub = CreateObject<Node>();
    auto sink = CreateObject<Node>();
    InternetStackHelper stack;
    stack.Install(hosts);
    stack.Install(hub);
    stack.Install(sink);

    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
    auto last = Join(hub, sink, "10Gbps", "5us");
    auto queue = Queue(last.Get(0), "250p", 65);
    const auto target = addresses.Assign(last).GetAddress(1);
    Outcome out;
    out.delivered.expected = uint64_t{senders} * 4'000'000;
    for (uint32_t i = 0; i < senders; ++i)
    {
        addresses.NewNetwork();
        addresses.Assign(Access(hosts.Get(i), hub));
        Receive(sink, PORT + i, out.delivered);
        Send(hosts.Get(i), target, PORT + i, 4'000'000);
    }
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    Run(out, queue);
    Print(out, 10e9);
}

void
Dumbbell(const char* kind)
{
    SetTcp(kind, "200ms");
    NodeContainer left(16);
    NodeContainer right(16);
    NodeContainer switches(2);
    InternetStackHelper stack;
    stack.Install(left);
    stack.Install(right);
    stack.Install(switches);

    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
    auto middle = Join(switches.Get(0), switches.Get(1), "1Gbps", "4.99ms");
    auto queue = Queue(middle.Get(0), "833p", 0);
    Queue(middle.Get(1), "100000p", 0);
    addresses.Assign(middle);
    Outcome out;
    for (uint32_t i = 0; i < 16; ++i)
    {
        addresses.NewNetwork();
        auto from = Access(left.Get(i), switches.Get(0));
        addresses.Assign(from);
        addresses.NewNetwork();
        auto to = Access(switches.Get(1), right.Get(i));
        const auto target = addresses.Assign(to).GetAddress(1);
        Receive(right.Get(i), PORT, out.delivered);
        Send(left.Get(i), target, PORT, 0);
    }
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    Simulator::Stop(Seconds(10));
    Run(out, queue);
    Print(out, 1e9);
}

} // namespace

int
main(int argc, char* argv[])
{
    if (argc == 3 && std::strcmp(argv[1], "incast") == 0)
    {
        Incast(std::atoi(argv[2]));
    }
    else if (argc == 3 && std::strcmp(argv[1], "dumbbell") == 0)
    {
        Dumbbell(argv[2]);
    }
    else
    {
        std::fprintf(stderr, "usage: ns3 incast SENDERS | dumbbell TcpCubic|TcpNewReno\n");
        return 2;
    }
    Simulator::Destroy();
    return 0;
}
