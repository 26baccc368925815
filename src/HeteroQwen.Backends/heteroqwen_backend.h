/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * heteroqwen_backend.h: what a chip implements so that HeteroQwen can run a model on it.
 *
 * It says in C what IBackend.cs, Capabilities.cs, Descriptors.cs and Status.cs say in C#, member by member; a test compares
 * the two. A library exports one function, hq_backend_entry. All else is reached through the tables that it returns; what the
 * library asks of the host, through the table that it is given.
 *
 * Structs.   Every struct begins with struct_size, which its writer sets to sizeof. Later versions only append fields, so a
 *            reader reads a field only if it lies within struct_size. In an array of structs the elements lie as many bytes
 *            apart as the struct_size of the first says.
 * Arrays.    A pointer "xs" is followed by its length "xs_count"; a null pointer is an empty array.
 * Strings.   UTF-8, ended by a zero byte.
 * Statuses.  What can fail returns a status code. Nothing aborts, throws or long-jumps into the caller. A function that does
 *            not return HQ_OK should say why in one sentence (see hq_message) and leaves its outputs alone; the caller has
 *            set handles to null and numbers to 0.
 * Null.      A table entry marked HQ_OPTIONAL may be null; what the host does then is written beside it. All others are
 *            required; the host refuses a library that lacks one and names it.
 * Ownership. What the host passes in belongs to the host and lives until the call returns; a function that needs more copies
 *            it, except where a longer life is stated. What a function returns by pointer belongs to the library and lives as
 *            long as the handle that it was asked of, except where stated otherwise. The host writes to none of it.
 * Handles.   Opaque; made by open, prepare, allocate and create_stream; each is released once, by the release function of its
 *            own table, after the last work that uses it has completed. A device is released after all that was made of it.
 * Threads.   Calls for one device come from one thread at a time, not always the same one: an entry that needs a thread's
 *            current context makes it current. Calls for different devices may come at the same time.
 * Life.      The library stays loaded until the process ends.
 */
#ifndef HETEROQWEN_BACKEND_H
#define HETEROQWEN_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this file. It rises when something changes that struct_size cannot tell. */
#define HQ_ABI_VERSION 1u

#if defined(_WIN32)
#define HQ_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define HQ_EXPORT __attribute__((visibility("default")))
#else
#define HQ_EXPORT
#endif

/* Marks a table entry that may be null. */
#define HQ_OPTIONAL

/* ---- Numbers. They never change; new ones are appended. ---- */

/* 0 or 1. */
typedef uint8_t hq_bool;

typedef int32_t hq_status_code;
enum
{
    HQ_OK = 0,
    HQ_INVALID_ARGUMENT = 1, /* The caller broke a rule of the contract. */
    HQ_UNSUPPORTED = 2,      /* The device does not do this; after supports said yes it is an over-claim. */
    HQ_OUT_OF_MEMORY = 3,    /* The device or the host has not enough memory for the request. */
    HQ_LAUNCH_FAILED = 4,    /* Work enqueued earlier failed; waits on the stream fail until one synchronize has reported it. */
    HQ_DEVICE_LOST = 5,      /* The device is gone; nothing on it can be used again. */
    HQ_UNAVAILABLE = 6,      /* There is no such device, or it cannot be opened. */
    HQ_INTERNAL = 7          /* The backend failed in a way that it cannot name better. */
};

/* Types of elements. The block-quantised ones are storage for weights, laid out as GGUF defines them. */
typedef int32_t hq_element_type;
enum
{
    HQ_F32 = 0,
    HQ_F16 = 1,
    HQ_BF16 = 2,
    HQ_I32 = 3,
    HQ_I8 = 4,
    HQ_BOOL = 5, /* One byte, 0 or 1. */
    HQ_Q8_0 = 6, /* 32 elements in 34 bytes. */
    HQ_Q4_0 = 7, /* 32 elements in 18 bytes. */
    HQ_Q4_K = 8, /* 256 elements in 144 bytes. */
    HQ_Q6_K = 9  /* 256 elements in 210 bytes. */
};

typedef int32_t hq_attribute_kind;
enum
{
    HQ_ATTRIBUTE_INT64 = 0,
    HQ_ATTRIBUTE_FLOAT64 = 1,
    HQ_ATTRIBUTE_STRING = 2
};

typedef int32_t hq_precision;
enum
{
    HQ_PRECISION_EXACT = 0, /* No operand is rounded below f32. */
    HQ_PRECISION_FAST = 1   /* An op may round activations, and weights on reading, as the device declares. */
};

/* What a tensor of a launch is. */
typedef int32_t hq_tensor_role;
enum
{
    HQ_ROLE_INPUT = 0,    /* An input of the step: the host has its bytes, unless it is bound to an earlier result. */
    HQ_ROLE_CONSTANT = 1, /* A weight: given to prepare, absent at launch. */
    HQ_ROLE_STATE = 2,    /* Memory that outlives the step. */
    HQ_ROLE_RESULT = 3    /* Computed by an op. */
};

typedef int32_t hq_memory_kind;
enum
{
    HQ_MEMORY_DEVICE = 0,     /* Where kernels read and write. */
    HQ_MEMORY_PINNED_HOST = 1 /* Host memory from and to which the device copies without staging. */
};

typedef int32_t hq_determinism;
enum
{
    HQ_DETERMINISM_NONE = 0,           /* The same step may give other bits in another run. */
    HQ_DETERMINISM_RUN_TO_RUN = 1,     /* The same step gives the same bits in every run, for any number of threads. */
    HQ_DETERMINISM_BATCH_INVARIANT = 2 /* A row's bits depend on no other row: any batch and any chunking give the same. */
};

typedef int32_t hq_rounding_kind;
enum
{
    HQ_ROUNDING_NONE = 0,  /* Held as they are, in f32. */
    HQ_ROUNDING_FLOAT = 1, /* To a float format. */
    HQ_ROUNDING_INT8 = 2   /* To int8 with one scale per block. */
};

/* A dimension is an int64_t: a constant if it is not negative, else one of these symbols. */
#define HQ_DIM_T (-1)       /* Tokens of the step. */
#define HQ_DIM_N (-2)       /* KV entries seen in the step, over all sequences. */
#define HQ_DIM_B (-3)       /* Sequences of the step. */
#define HQ_DIM_R (-4)       /* Rows whose logits are wanted. */
#define HQ_DIM_BPLUS1 (-5)  /* B + 1: the length of a list of starts. */

/* ---- Handles. ---- */

typedef struct hq_device hq_device;
typedef struct hq_buffer hq_buffer;
typedef struct hq_kernel hq_kernel;
typedef struct hq_stream hq_stream;

/* ---- Data. ---- */

/* Where a function says why it did not return HQ_OK: the host's memory, never null, empty before the call. Write one sentence
 * with op, types, device and reason into text: at most capacity bytes, the zero at the end included. */
typedef struct hq_message
{
    size_t struct_size;
    char* text;
    size_t capacity;
} hq_message;

/* Values of the four symbols in one step, or their maxima. */
typedef struct hq_bindings
{
    size_t struct_size;
    int64_t t;
    int64_t n;
    int64_t b;
    int64_t r;
} hq_bindings;

/* A key and its value: the field that kind names. */
typedef struct hq_attribute
{
    size_t struct_size;
    const char* name;
    hq_attribute_kind kind;
    int64_t i64;
    double f64;
    const char* str;
} hq_attribute;

/* A run of bytes in host memory. */
typedef struct hq_byte_range
{
    size_t struct_size;
    const void* address;
    int64_t length;
} hq_byte_range;

/* What makes the bytes of a constant: independent values of this mean and standard deviation. Bytes by the same generator are
 * the same everywhere; ConstantGenerator.cs and GeneratedBlocks.cs have the formulas. */
typedef struct hq_constant_generator
{
    size_t struct_size;
    uint64_t seed;
    double mean;
    double deviation;
} hq_constant_generator;

/* The bytes of one constant: dense, row-major, little-endian. Either an ordered list of ranges joined on axis 0 (experts that a
 * file stores one by one are one constant), which start wherever the file has them: assume no alignment. Or, where generator is
 * not null, there are no ranges, and read_constant of hq_host_api makes the bytes; a kernel that reads weights in host memory
 * has to give them memory of its own until it is released, once for all kernels that read them. Constants with the same identity
 * are the same bytes, so that kernels which read them can share one packed form. */
typedef struct hq_constant
{
    size_t struct_size;
    const char* identity;
    hq_element_type type;
    const int64_t* shape;
    size_t shape_count;
    const hq_byte_range* ranges;
    size_t ranges_count;
    const hq_constant_generator* generator; /* Null where the bytes lie in ranges. */
} hq_constant;

/* Type, shape and layout of one operand or result. Outermost dimension first.
 * strided 0: row-major, rows apart by the last dimension rounded up to the device's row multiple (constants: dense).
 * strided 1: any strides, zeros included; those of a launch come with its arguments. */
typedef struct hq_tensor_desc
{
    size_t struct_size;
    hq_element_type element;
    const int64_t* dims;
    size_t dims_count;
    hq_tensor_role role;
    hq_bool strided;
} hq_tensor_desc;

/* An op as it is offered to a device. docs/ir.md says what each op computes. */
typedef struct hq_op_desc
{
    size_t struct_size;
    const char* name;
    const hq_attribute* attributes; /* In ordinal order of their names. */
    size_t attributes_count;
    const hq_tensor_desc* operands;
    size_t operands_count;
    const hq_tensor_desc* results;
    size_t results_count;
    const hq_bindings* maxima; /* The largest value of each symbol in any launch. */
    hq_precision precision;
} hq_op_desc;

/* A device's answer to an op that is offered. */
typedef struct hq_support
{
    size_t struct_size; /* Set by the host, to whose memory the answer is written. */
    hq_bool is_supported;
    const char* reason;        /* Why not, in a few words, until the next call for the device; null if supported. */
    uint64_t strided_operands; /* Bit i: operand i may be strided. A view for any other operand is copied first. */
    int64_t constant_bytes;    /* Upper bound of the device memory that the packed constants of the kernel take. */
} hq_support;

/* A pair that may lie in the same memory. */
typedef struct hq_in_place
{
    size_t struct_size;
    int32_t operand;
    int32_t result;
} hq_in_place;

/* What a kernel says of itself once it is prepared. */
typedef struct hq_kernel_info
{
    size_t struct_size;
    uint64_t reads_operands; /* Bit i: launches read the argument of operand i. Others are absent; inputs that no kernel reads
                                are not uploaded. */
    uint64_t host_operands;  /* Bit i: a launch reads the host's bytes of input i; they come with the argument. */
    const hq_in_place* in_place;
    size_t in_place_count;
    hq_bool reads_back;           /* The launch waits for the device to read an index back; counted in the ledger. */
    hq_bool keeps_host_constants; /* Launches go on reading the host's memory of the constants. If not, it is given back. */
    int64_t constant_bytes;       /* Device memory that the packed constants take. */
} hq_kernel_info;

/* One tensor of a launch. The host reuses it: a kernel keeps no pointer to it or to its strides after the call. */
typedef struct hq_argument
{
    size_t struct_size;
    hq_buffer* buffer;      /* Null for a constant, and for an operand that the kernel said it does not read. */
    int64_t offset;         /* Bytes from the start of the buffer; a multiple of the alignment, save that an operand of the op
                               "copy" may start at any element. */
    const int64_t* strides; /* Elements from one index to the next on each axis. */
    size_t strides_count;
    const void* host_bytes; /* The host's bytes of an input, if the kernel asked for them; unchanged until the step's event,
                               the first one recorded after the launch, is complete. */
} hq_argument;

/* A declared rounding; a null pointer to one is HQ_ROUNDING_NONE. */
typedef struct hq_rounding
{
    size_t struct_size;
    hq_rounding_kind kind;
    int32_t significand_bits; /* Float: bits of the significand, the hidden one included (f16 and tf32 11, bf16 8). */
    int32_t max_exponent;     /* Float: exponent of the largest finite value (f16 15, bf16 and tf32 127). */
    int32_t block;            /* Int8: elements that share a scale (32 or 256); 0 for the whole row. */
    hq_bool truncates;        /* Towards zero rather than to nearest even. */
} hq_rounding;

/* Declared arithmetic of an op in one precision. */
typedef struct hq_numerics
{
    size_t struct_size;
    const char* op; /* Name of the op, or "*" for all that no other entry names. */
    hq_precision precision;
    const hq_rounding* operands; /* Of activations. */
    const hq_rounding* weights;  /* Of weights, on reading. */
    const hq_rounding* results;
    int32_t accumulate_bits;     /* Significand bits of the type in which sums are held (f32 24, f64 53). */
    hq_bool flushes_subnormals;  /* Subnormal operands and results become zero. */
} hq_numerics;

/* What the host takes for a field of hq_capabilities that is 0, null, or beyond struct_size. */
#define HQ_DEFAULT_FAST_EXPANSION HQ_F32
#define HQ_DEFAULT_ROW_MULTIPLE 1
#define HQ_DEFAULT_ALIGNMENT 64
#define HQ_DEFAULT_LENGTH_ALIGNMENT 1
#define HQ_DEFAULT_LARGEST_BUFFER INT64_MAX
#define HQ_DEFAULT_PAGE_SIZE 128

/* What a device is and asks for. */
typedef struct hq_capabilities
{
    size_t struct_size;
    const hq_element_type* types; /* Types that kernels read; a weight of another type is expanded at load. Never empty. */
    size_t types_count;
    hq_element_type fast_expansion; /* To which a weight is expanded in HQ_PRECISION_FAST; in exact it is f32. */
    const hq_precision* precisions; /* That the device offers; empty: both. */
    size_t precisions_count;
    int32_t row_multiple;     /* Row strides of results and states are rounded up to this many elements, save where the last
                                 dimension is the constant 1. */
    int32_t alignment;        /* Every argument and workspace starts at a multiple of this many bytes, operands of the op "copy"
                                 excepted. A power of two. */
    int32_t length_alignment; /* Bytes of a tensor are rounded up to a multiple of this; kernels may touch the tail. */
    int64_t largest_buffer;   /* Bytes. Nothing larger is asked of allocate. */
    int32_t page_size;        /* Entries of a page of the KV pool. */
    int64_t memory_bytes;     /* 0 if not known. */
    hq_bool rounds_bindings;  /* Bindings are rounded up to a few sizes and padded, so that plans are reused. */
    hq_determinism determinism; /* 0 is HQ_DETERMINISM_NONE: a promise is made in words. */
    const hq_numerics* numerics; /* What no entry names keeps f32 operands and results and sums in f32. */
    size_t numerics_count;
} hq_capabilities;

/* What a device can do at most, as it measured itself. */
typedef struct hq_peaks
{
    size_t struct_size;           /* Set by the host, to whose memory the answer is written. */
    double bytes_per_second;      /* Reading in order of more memory than the caches hold; 0 if not known. */
    const char* unit;             /* What computes the products, such as "f32 multiply-add"; the fastest where that depends on the number
                                     of tokens. */
    double operations_per_second; /* A multiplication and an addition are two; 0 if not known. */
} hq_peaks;

/* A device, or one that is missing and why. */
typedef struct hq_device_info
{
    size_t struct_size;
    int32_t index;    /* Number within the backend. */
    const char* name; /* What the vendor calls it. */
    hq_bool available;
    const char* reason;   /* Why it cannot be opened; null if available. */
    int64_t memory_bytes; /* 0 if not known. */
    const char* const* tiers; /* Kernel tiers that this machine can run, best first; empty if there is but one. */
    size_t tiers_count;
    const char* const* notes; /* Remarks for the user. */
    size_t notes_count;
} hq_device_info;

/* ---- Tables. One object of each, in memory that is never released. ---- */

/* The backend itself: one per library, hence no handle. */
typedef struct hq_backend_api
{
    size_t struct_size;

    /* Name for -b: lower-case letters and digits. */
    const char* (*name)(void);

    /* All devices, absent ones with the reason; an absent driver gives one entry that says so. Lives until the next call. */
    hq_status_code (*devices)(const hq_device_info** devices, size_t* devices_count, hq_message* message);

    /* Opens a device. Options: "threads" (int64) and "tier" (string); one that the device does not know or cannot honour is
     * refused by name. A device is open once per process. */
    hq_status_code (*open)(
        int32_t index, const hq_attribute* options, size_t options_count, hq_device** device, hq_message* message);
} hq_backend_api;

typedef struct hq_device_api
{
    size_t struct_size;

    /* Never null, and the same data at each call. */
    const hq_capabilities* (*capabilities)(hq_device* device);

    /* Whether the op can be prepared. The truth, both ways: a yes that prepare or a launch takes back is an over-claim, a no
     * to what the device could do sends the op to the host. */
    hq_status_code (*supports)(hq_device* device, const hq_op_desc* op, hq_support* support, hq_message* message);

    /* Picks, compiles or packs the kernel of an op, as it was offered to supports (operands that may be strided and are say
     * so). constants has one entry per operand, null where it is no constant. Their bytes are read during the call, and after
     * it only if the kernel says so (keeps_host_constants); then they stay mapped until the kernel is released. Memory for
     * packed constants is the library's own to allocate. */
    hq_status_code (*prepare)(
        hq_device* device, const hq_op_desc* op, const hq_constant* const* constants, size_t constants_count, hq_kernel** kernel,
        hq_message* message);

    /* Allocates a buffer whose first byte is aligned as the capabilities say; its contents are not defined. Never called with
     * 0 bytes or more than the largest buffer. */
    hq_status_code (*allocate)(hq_device* device, hq_memory_kind kind, int64_t bytes, hq_buffer** buffer, hq_message* message);

    /* Creates an in-order stream. */
    hq_status_code (*create_stream)(hq_device* device, hq_stream** stream, hq_message* message);

    /* Measures what the device can do at most with weights of this type, in a few tenths of a second and while no work is under
     * way. If null, or on HQ_UNSUPPORTED, its rates are shown beside no limit. */
    HQ_OPTIONAL hq_status_code (*measure_peaks)(
        hq_device* device, hq_precision precision, hq_element_type weights, hq_peaks* peaks, hq_message* message);

    void (*release)(hq_device* device);
} hq_device_api;

typedef struct hq_buffer_api
{
    size_t struct_size;

    /* Bytes asked of allocate. */
    int64_t (*bytes)(hq_buffer* buffer);

    /* Host address of the first byte; null where the host cannot reach the memory (never for pinned host memory). */
    void* (*host_address)(hq_buffer* buffer);

    void (*release)(hq_buffer* buffer);
} hq_buffer_api;

typedef struct hq_kernel_api
{
    size_t struct_size;

    /* Never null, and the same data at each call. */
    const hq_kernel_info* (*info)(hq_kernel* kernel);

    /* Bytes of workspace that a launch with these bindings needs: an upper bound whatever the contents, and no less for larger
     * bindings. */
    hq_status_code (*workspace)(hq_kernel* kernel, const hq_bindings* bindings, int64_t* bytes, hq_message* message);

    void (*release)(hq_kernel* kernel);
} hq_kernel_api;

/* An in-order queue of work. copy, fill, launch and record only enqueue and never wait. After work has failed, waits fail too;
 * one synchronize reports it and clears it, or says that the device is lost. */
typedef struct hq_stream_api
{
    size_t struct_size;

    /* Copies bytes between two buffers of this device, at any offset. The ranges do not overlap. */
    hq_status_code (*copy)(
        hq_stream* stream, hq_buffer* destination, int64_t destination_offset, hq_buffer* source, int64_t source_offset,
        int64_t bytes, hq_message* message);

    /* Repeats a 32-bit pattern over a range of whole words. If null, or on HQ_UNSUPPORTED, the host copies from a buffer that
     * it has filled. */
    HQ_OPTIONAL hq_status_code (*fill)(
        hq_stream* stream, hq_buffer* buffer, int64_t offset, int64_t bytes, uint32_t pattern, hq_message* message);

    /* Enqueues a kernel with values of the symbols that lie within the maxima of prepare; no dimension is 0. arguments are the
     * operands, then the results. From first to last byte, gaps between strided rows included, a result overlaps no operand, no
     * other result and not the workspace, save the state that an update writes and the pairs that the kernel declared usable in
     * place. Operands may overlap each other. workspace has at least as many bytes from workspace_offset on as the kernel asks
     * for with these bindings; may be null if it asks for none. */
    hq_status_code (*launch)(
        hq_stream* stream, hq_kernel* kernel, const hq_bindings* bindings, const hq_argument* arguments, size_t arguments_count,
        hq_buffer* workspace, int64_t workspace_offset, hq_message* message);

    /* Marks this point of the stream. Tickets rise and need no release. */
    hq_status_code (*record)(hq_stream* stream, uint64_t* ticket, hq_message* message);

    /* Whether all work before the ticket is complete. */
    hq_status_code (*query)(hq_stream* stream, uint64_t ticket, hq_bool* complete, hq_message* message);

    /* Waits until all work before the ticket is complete. */
    hq_status_code (*wait)(hq_stream* stream, uint64_t ticket, hq_message* message);

    /* Waits until all work is complete. */
    hq_status_code (*synchronize)(hq_stream* stream, hq_message* message);

    void (*release)(hq_stream* stream);
} hq_stream_api;

typedef struct hq_api
{
    size_t struct_size;
    uint32_t version; /* The version of this file that the tables follow. */
    const hq_backend_api* backend;
    const hq_device_api* device;
    const hq_buffer_api* buffer;
    const hq_kernel_api* kernel;
    const hq_stream_api* stream;
} hq_api;

/* What the host does for the library; lives until the process ends. */
typedef struct hq_host_api
{
    size_t struct_size;

    /* Writes bytes offset .. offset + bytes - 1 of a constant, whether they lie in ranges or a generator makes them; of a generated
     * constant whole blocks only. During prepare, from any threads, several at a time: it is how a large constant is made fast. */
    hq_status_code (*read_constant)(const hq_constant* constant, int64_t offset, void* destination, int64_t bytes);
} hq_host_api;

/* The one exported function. The host can work with the versions oldest to newest of this file; the library picks the newest
 * of them that it knows and gives the tables of that version, which live until the process ends. If it knows none of them it
 * returns HQ_UNSUPPORTED and names its own versions in the message. It opens no device and loads no driver yet. */
HQ_EXPORT hq_status_code hq_backend_entry(
    uint32_t oldest, uint32_t newest, const hq_host_api* host, const hq_api** api, hq_message* message);

#ifdef __cplusplus
}
#endif

#endif
