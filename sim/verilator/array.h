// Parts and the wires between them: an edge costs what the parts that are awake cost.
//
// Every output of a part comes from a register. So an edge has two phases, as nonblocking assignment has: all parts that
// are awake see the edge with the inputs that they had before it; then the outputs that changed are copied to the inputs
// that they lead to, which wakes the parts that have these. The payload of a stream is kept from its reader until it is
// valid: a bus that many read would wake all of them for each word that one of them takes.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

// Where a port's value is. Ports of equal width have equal bytes, those of Verilator's types.
struct Pin {
    void* value;
    size_t bytes;
};

class Part;

// An output, and the inputs that it leads to.
struct Net {
    const void* value;
    size_t bytes;
    struct Reader {
        Part* part;
        void* value;
        const uint8_t* valid = nullptr;  // of a payload: whether it counts
        const Net* payload = nullptr;    // of a valid: what comes with it
        void* payload_value = nullptr;
    };
    std::vector<Reader> readers{};
};

class Part {
public:
    virtual ~Part() = default;

    // An edge; appends the outputs that it changed. False if more edges would do nothing until an input changes.
    virtual bool step(std::vector<Net*>& moved) = 0;

    std::vector<Pin> inputs;
    std::vector<Net> outputs;
    bool awake = true;
    bool changed = true;               // an input, since the last edge
    const uint64_t* edges = nullptr;   // that the array has seen, this one included
};

// A register that takes the disjunction of its inputs but the first, which resets it.
class OrRegister final : public Part {
public:
    explicit OrRegister(size_t terms) : values_(terms + 1) {
        for (uint32_t& value : values_) inputs.push_back({&value, sizeof value});
        inputs[0].bytes = 1;
        outputs.push_back({&value_, sizeof value_});
    }

    bool step(std::vector<Net*>& moved) override {
        uint32_t next = 0;
        for (size_t i = 1; i < values_.size(); ++i) next |= values_[i];
        if (values_[0]) next = 0;
        if (std::exchange(value_, next) != next) moved.push_back(&outputs[0]);
        return false;
    }

private:
    std::vector<uint32_t> values_;
    uint32_t value_ = 0;
};

// The ports of the array as a part: what comes in is its outputs, what goes out its inputs.
class Outside : public Part {
public:
    bool step(std::vector<Net*>&) override { return false; }
};

class Array {
public:
    // Which output leads to which input; parts by number, the outside is 0.
    struct Join {
        int source, output, target, input;
    };
    // Inputs of a part that are a stream: the payload has no effect while the valid is low.
    struct Stream {
        int target, payload, valid;
    };
    // An input that is constant.
    struct Tie {
        int target, input;
        uint64_t value;
    };

    explicit Array(Outside& outside) : parts_{&outside} { outside.edges = &edges_; }

    void add(std::unique_ptr<Part> part) {
        part->edges = &edges_;
        awake_.push_back(part.get());
        parts_.push_back(part.get());
        owned_.push_back(std::move(part));
    }

    void join(const Join& join) {
        Net& net = parts_[join.source]->outputs[join.output];
        Part* target = parts_[join.target];
        void* value = target->inputs[join.input].value;
        drivers_[value] = {&net, net.readers.size()};
        net.readers.push_back({target, value});
        std::memcpy(value, net.value, net.bytes);
    }

    // After all that concerns its inputs was joined.
    void pair(const Stream& stream) {
        const std::vector<Pin>& inputs = parts_[stream.target]->inputs;
        void* const payload = inputs[stream.payload].value;
        void* const valid = inputs[stream.valid].value;
        const auto from = drivers_.find(payload), with = drivers_.find(valid);
        if (from == drivers_.end() || with == drivers_.end()) return;  // constant
        from->second.reader().valid = static_cast<const uint8_t*>(valid);
        Net::Reader& reader = with->second.reader();
        reader.payload = from->second.net;
        reader.payload_value = payload;
    }

    void tie(const Tie& tie) {
        const Pin& pin = parts_[tie.target]->inputs[tie.input];
        std::memcpy(pin.value, &tie.value, pin.bytes < sizeof tie.value ? pin.bytes : sizeof tie.value);
    }

    // A value of the outside that is another than at the last edge.
    void enter(int input) { spread(parts_[0]->outputs[input]); }

    // An edge. True if a value that goes out has changed.
    bool step() {
        ++edges_;
        size_t kept = 0;
        for (Part* part : awake_) {
            part->awake = part->step(moved_);
            if (part->awake) awake_[kept++] = part;
        }
        awake_.resize(kept);
        for (const Net* net : moved_) spread(*net);
        moved_.clear();
        return std::exchange(parts_[0]->changed, false);
    }

private:
    void spread(const Net& net) {
        for (const Net::Reader& reader : net.readers) {
            if (reader.valid && !*reader.valid) continue;
            std::memcpy(reader.value, net.value, net.bytes);
            if (reader.payload) std::memcpy(reader.payload_value, reader.payload->value, reader.payload->bytes);
            Part* part = reader.part;
            part->changed = true;
            if (part->awake) continue;
            part->awake = true;
            awake_.push_back(part);
        }
    }

    struct Driver {
        Net* net;
        size_t number;
        Net::Reader& reader() const { return net->readers[number]; }
    };

    uint64_t edges_ = 0;
    std::unordered_map<const void*, Driver> drivers_;  // of an input, by where that is
    std::vector<Part*> parts_, awake_;
    std::vector<std::unique_ptr<Part>> owned_;
    std::vector<Net*> moved_;
};
