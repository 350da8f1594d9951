// The closed loop of list.rs on SimGrid 3.32, reduced to pure max-min fairness. N actors: actor i sends the
// flows i, i + N, ... of the list one after another. Prints CPU seconds of the simulation loop and the instant of
// the last completion.
//
// Build: g++ -O2 -std=c++17 closed.cpp -lsimgrid -o closed       Use: closed LIST.txt N
//
// LIST.txt:  L n   then n lines: capacity in bytes/s
//            P n   then n lines: k l1 .. lk   the links of a path
//            F n   then n lines: bytes path
//
// CM02 has no bandwidth or latency factors and no sharing by round-trip time; no cross-traffic takes the
// acknowledgements out, and a huge TCP-gamma the window; links have no latency.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <utility>
#include <vector>
#include <simgrid/s4u.hpp>
namespace sg4 = simgrid::s4u;

static std::vector<double> capacities;
static std::vector<std::vector<int>> paths;
static std::vector<std::pair<uint64_t, int>> flows;
static std::vector<std::pair<sg4::Host*, sg4::Host*>> ends;

static void read_list(const char* name)
{
  std::ifstream in(name);
  std::string tag;
  size_t n;
  while (in >> tag >> n)
    for (size_t i = 0; i < n; i++) {
      if (tag == "L") { double c; in >> c; capacities.push_back(c); }
      else if (tag == "P") { size_t k; in >> k; std::vector<int> p(k); for (auto& l : p) in >> l; paths.push_back(p); }
      else { std::pair<uint64_t, int> f; in >> f.first >> f.second; flows.push_back(f); }
    }
}

// Every path has two hosts of its own, so that its route is exactly the links listed, in one direction.
static void build()
{
  auto* zone = sg4::create_full_zone("z");
  std::vector<sg4::Link*> links;
  for (size_t i = 0; i < capacities.size(); i++)
    links.push_back(zone->create_link("l" + std::to_string(i), capacities[i])->seal());
  for (size_t p = 0; p < paths.size(); p++) {
    auto* from = zone->create_host("a" + std::to_string(p), 1e9)->seal();
    auto* to   = zone->create_host("b" + std::to_string(p), 1e9)->seal();
    ends.emplace_back(from, to);
    std::vector<sg4::LinkInRoute> route;
    for (int l : paths[p]) route.emplace_back(links[l]);
    zone->add_route(from->get_netpoint(), to->get_netpoint(), nullptr, nullptr, route, false);
  }
  zone->seal();
}

int main(int argc, char** argv)
{
  sg4::Engine engine(&argc, argv);
  sg4::Engine::set_config("network/model:CM02");
  sg4::Engine::set_config("network/crosstraffic:0");
  sg4::Engine::set_config("network/TCP-gamma:1e20");
  read_list(argv[1]);
  build();
  size_t n = std::stoul(argv[2]);
  for (size_t i = 0; i < n; i++)
    sg4::Actor::create("a", ends[0].first, [i, n] {
      for (size_t j = i; j < flows.size(); j += n)
        sg4::Comm::sendto(ends[flows[j].second].first, ends[flows[j].second].second, flows[j].first);
    });
  auto before = std::clock();
  engine.run();
  printf("%f %.9f\n", double(std::clock() - before) / CLOCKS_PER_SEC, sg4::Engine::get_clock());
}
