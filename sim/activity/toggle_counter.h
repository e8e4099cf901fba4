// Counts the toggles in a VCD text, net by net, while a simulation writes it.
//
// Each net counts once, with the innermost instance that does not merely take it in (a name that
// ends in _i), a register (a name that ends in _q) with the one that holds it. A cell is an instance
// below the top, or below an instance u_<LAYER> of the top. It is idle in a cycle when none of its nets
// with "valid" in their name was up in that cycle or the one before; the design is idle when all its
// cells are.
#ifndef BNN_HW_TOGGLE_COUNTER_H
#define BNN_HW_TOGGLE_COUNTER_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace activity {

// A register keeps its net, however deep another name of that net lies.
constexpr std::size_t kRegisterFirst = 1'000;

inline bool ends_with(const std::string& text, const std::string& end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

struct Cell {
    std::string name;
    std::uint64_t busy_cycles = 0;
    int valid_up = 0;  // nets with "valid" in their name that are up now
    bool was_busy = false;
    bool idle = true;
};

struct Net {
    std::string name;  // path of the name it counts under
    std::string value;
    std::size_t cell = SIZE_MAX;  // SIZE_MAX: not counted
    std::size_t depth = 0;        // scopes of that path, more for a register's own name
    bool register_bits = false;
    std::set<std::size_t> valid_of;  // cells for which it says that something is there
    std::uint64_t toggles = 0;
    std::uint64_t idle_toggles = 0;          // its cell is idle
    std::uint64_t design_idle_toggles = 0;  // every cell is
};

// Bits that changed at one edge.
struct Changes {
    std::uint64_t all = 0;
    std::uint64_t registers = 0;
};

// Reads the VCD that the model writes, line by line, and counts.
class ToggleCounter {
public:
    explicit ToggleCounter(std::set<std::string> layers) : layers_(std::move(layers)) {}

    void read(const char* text, std::size_t size) {
        pending_.append(text, size);
        std::size_t from = 0;
        for (std::size_t to; (to = pending_.find('\n', from)) != std::string::npos; from = to + 1) {
            line(pending_.substr(from, to - from));
        }
        pending_.erase(0, from);
    }

    // Counts what has changed since the call before.
    Changes end_cycle(bool counted) {
        bool design_idle = true;
        for (Cell& cell : cells_) {
            const bool busy = cell.valid_up > 0;
            cell.idle = !busy && !cell.was_busy;
            cell.was_busy = busy;
            design_idle = design_idle && cell.idle;
            if (counted && !cell.idle) cell.busy_cycles++;
        }
        if (counted && !design_idle) busy_cycles_++;
        Changes sum;
        for (const auto& [net, toggles] : changes_) {
            if (net->cell == SIZE_MAX) continue;
            sum.all += toggles;
            if (net->register_bits) sum.registers += toggles;
            if (!counted) continue;
            net->toggles += toggles;
            if (cells_[net->cell].idle) net->idle_toggles += toggles;
            if (design_idle) net->design_idle_toggles += toggles;
        }
        changes_.clear();
        return sum;
    }

    void write(std::ostream& out) const {
        out << "\"busy_cycles\": " << busy_cycles_ << ",\n\"cells\": [";
        const char* comma = "";
        for (const Cell& cell : cells_) {
            out << comma << "\n{\"name\": \"" << cell.name << "\", \"busy_cycles\": "
                << cell.busy_cycles << "}";
            comma = ",";
        }
        out << "],\n\"nets\": [";
        comma = "";
        for (const auto& [code, net] : nets_) {
            if (net.cell == SIZE_MAX) continue;
            out << comma << "\n{\"name\": \"" << net.name << "\", \"cell\": \""
                << cells_[net.cell].name << "\", \"bits\": " << net.value.size()
                << ", \"register\": " << (net.register_bits ? "true" : "false")
                << ", \"toggles\": " << net.toggles << ", \"idle\": " << net.idle_toggles
                << ", \"design_idle\": " << net.design_idle_toggles << "}";
            comma = ",";
        }
        out << "]";
    }

private:
    void line(const std::string& text) {
        if (text.empty()) return;
        if (!header_done_) {
            header(text);
        } else if (text[0] == '0' || text[0] == '1') {
            change(text.substr(1), text.substr(0, 1));
        } else if (text[0] == 'b') {
            const std::size_t blank = text.find(' ');
            change(text.substr(blank + 1), text.substr(1, blank - 1));
        } else if (text[0] == 'r') {
            throw std::runtime_error("a net of type real: " + text);
        }
    }

    void header(const std::string& text) {
        std::istringstream words(text);
        std::string word, kind, name, code;
        words >> word;
        if (word == "$scope") {
            words >> kind >> name;
            scopes_.push_back(name);
        } else if (word == "$upscope") {
            scopes_.pop_back();
        } else if (word == "$var") {
            std::size_t width = 0;
            words >> kind >> width >> code >> name;
            if (kind != "parameter") declare(width, code, name);
        } else if (word == "$enddefinitions") {
            header_done_ = true;
        }
    }

    // The cell of the current scope: the instance below the top, or the one below its layer. The wires of
    // the top and of a layer have none (SIZE_MAX); a register there counts with "top" or with the layer.
    std::size_t cell_here(bool is_register) {
        std::vector<std::string> instances;
        for (const std::string& scope : scopes_) {
            if (scope.compare(0, 2, "u_") == 0) instances.push_back(scope.substr(2));
        }
        std::string name = instances.empty() ? "top" : instances[0];
        if (instances.empty() || (instances.size() == 1 && layers_.count(name) != 0)) {
            if (!is_register) return SIZE_MAX;
        } else if (layers_.count(name) != 0) {
            name += "/" + instances[1];
        }
        const auto [found, fresh] = cell_index_.try_emplace(name, cells_.size());
        if (fresh) cells_.push_back(Cell{name});
        return found->second;
    }

    void declare(std::size_t width, const std::string& code, const std::string& name) {
        Net& net = nets_[code];
        if (net.value.empty()) net.value.assign(width, '0');
        // An element of an array is named words_q[3].
        const std::string plain = name.substr(0, name.find('['));
        const bool is_register = ends_with(plain, "_q");
        net.register_bits = net.register_bits || is_register;
        const std::size_t cell = cell_here(is_register);
        if (cell == SIZE_MAX) return;
        if (plain.find("valid") != std::string::npos) net.valid_of.insert(cell);
        const bool taken_in = ends_with(plain, "_i") || plain == "m_axis_tready" ||
                              (plain.compare(0, 7, "s_axis_") == 0 && plain != "s_axis_tready");
        // A register stays with its cell, whatever passes its value on under another name.
        const std::size_t depth = scopes_.size() + (is_register ? kRegisterFirst : 0);
        if (taken_in || net.depth >= depth) return;
        net.cell = cell;
        net.depth = depth;
        net.name.clear();
        for (const std::string& scope : scopes_) {
            if (scope != "TOP" && scope != "$rootio") net.name += scope + ".";
        }
        net.name += name;
    }

    void change(const std::string& code, const std::string& bits) {
        const auto found = nets_.find(code);
        if (found == nets_.end()) return;  // a parameter
        Net& net = found->second;
        // VCD leaves leading zeros away.
        std::string value(net.value.size(), '0');
        if (bits.size() > value.size()) {
            throw std::runtime_error("VCD value wider than its net " + net.name);
        }
        value.replace(value.size() - bits.size(), bits.size(), bits);
        std::uint64_t toggles = 0;
        for (std::size_t i = 0; i < value.size(); i++) toggles += value[i] != net.value[i];
        if (toggles == 0) return;
        const bool was_up = net.value.find('1') != std::string::npos;
        const bool is_up = value.find('1') != std::string::npos;
        for (const std::size_t cell : net.valid_of) cells_[cell].valid_up += int(is_up) - int(was_up);
        net.value = std::move(value);
        changes_.emplace_back(&net, toggles);
    }

    std::set<std::string> layers_;
    bool header_done_ = false;
    std::string pending_;
    std::vector<std::string> scopes_;
    std::vector<Cell> cells_;
    std::map<std::string, std::size_t> cell_index_;
    std::unordered_map<std::string, Net> nets_;
    std::vector<std::pair<Net*, std::uint64_t>> changes_;
    std::uint64_t busy_cycles_ = 0;
};

}  // namespace activity

#endif  // BNN_HW_TOGGLE_COUNTER_H
