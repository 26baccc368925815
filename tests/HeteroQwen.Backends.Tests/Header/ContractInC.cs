using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Tests;

/// <summary>
/// The C# contract spelt in C by rule: everything that can be reached from <see cref="IBackend"/>. An interface becomes a table
/// of functions, a record a struct, an enum numbers.
/// </summary>
internal sealed partial class ContractInC
{
    private static readonly Dictionary<Type, string> s_names = new()
    {
        [typeof(int)] = "int32_t", [typeof(uint)] = "uint32_t", [typeof(long)] = "int64_t", [typeof(ulong)] = "uint64_t",
        [typeof(double)] = "double", [typeof(bool)] = "hq_bool", [typeof(string)] = "const char*", [typeof(nint)] = "const void*",
        [typeof(Dim)] = "int64_t", [typeof(void)] = "void", [typeof(TensorDescriptor)] = "hq_tensor_desc",
        [typeof(OpDescriptor)] = "hq_op_desc", [typeof(ConstantData)] = "hq_constant", [typeof(AttributeValue)] = "hq_attribute",
    };

    private static readonly Dictionary<Type, string> s_enumPrefixes = new()
    {
        [typeof(StatusCode)] = "HQ_", [typeof(ElementType)] = "HQ_", [typeof(AttributeKind)] = "HQ_ATTRIBUTE_",
        [typeof(TensorRole)] = "HQ_ROLE_", [typeof(MemoryKind)] = "HQ_MEMORY_",
    };

    public ContractInC()
    {
        Interface(typeof(IBackend));
        Structs["hq_host_api"] = ["size_t struct_size", .. OfHost(typeof(ConstantData), nameof(ConstantData.Read), "read_constant")];
    }

    public Dictionary<string, string[]> Structs { get; } = [];

    public Dictionary<string, string[]> Enums { get; } = [];

    public HashSet<string> Handles { get; } = [];

    private static string Snake(string name) => Word().Replace(name, "_").ToLowerInvariant();

    private static bool IsHandle(Type type) => type.IsInterface && type != typeof(IBackend);

    private void Interface(Type type)
    {
        string name = $"hq_{Snake(type.Name[1..])}";
        if (!Structs.TryAdd($"{name}_api", []))
        {
            return;
        }

        bool isHandle = IsHandle(type);
        if (isHandle)
        {
            Handles.Add(name);
        }

        string[] self = isHandle ? [$"{name}* {name[3..]}"] : [];
        List<string> members = ["size_t struct_size"];
        foreach (MemberInfo member in type.GetMembers().OrderBy(m => m is PropertyInfo p ? p.GetMethod!.MetadataToken : m.MetadataToken))
        {
            if (member is PropertyInfo property)
            {
                // The host writes to memory that it can reach.
                string result = property.PropertyType == typeof(nint) ? "void*" : ByReference(property.PropertyType);
                members.Add($"{result} (*{Snake(property.Name)})({(isHandle ? self[0] : "void")})");
            }
            else if (member is MethodInfo { IsSpecialName: false } method)
            {
                members.Add(Function(method, self));
            }
        }

        if (type.IsAssignableTo(typeof(IDisposable)))
        {
            members.Add($"void (*release)({self[0]})");
        }

        Structs[$"{name}_api"] = [.. members];
    }

    /// <summary>A function that returns a status, its message last. One with a body in the interface is optional.</summary>
    private string Function(MethodInfo method, string[] self)
    {
        Assert.Equal(typeof(Status), method.ReturnType);
        Enum(typeof(StatusCode));
        IEnumerable<string> parameters = [.. self, .. method.GetParameters().SelectMany(Parameter), "hq_message* message"];
        return $"{(method.IsAbstract ? "" : "HQ_OPTIONAL ")}hq_status_code (*{Snake(method.Name)})({string.Join(", ", parameters)})";
    }

    private IEnumerable<string> Parameter(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType;
        string name = Snake(parameter.Name!);
        if (!parameter.IsOut)
        {
            return Field(type.IsByRef ? type.GetElementType()! : type, name);
        }

        type = type.GetElementType()!;
        return Item(type) is { } item
            ? [$"{Pointer(Name(item))}* {name}", $"size_t* {name}_count"]
            : [$"{Name(type)}{(IsHandle(type) ? "**" : "*")} {name}"];
    }

    private void Struct(Type type, string name)
    {
        if (!Structs.TryAdd(name, []))
        {
            return;
        }

        IEnumerable<string> fields = type == typeof(AttributeValue)
            ? ["const char* name", $"{Name(typeof(AttributeKind))} kind", "int64_t i64", "double f64", "const char* str"]
            : [.. Positional(type).Concat(Settable(type)).SelectMany(f => Field(f.Type, Snake(f.Name)))];
        Structs[name] = ["size_t struct_size", .. fields];
    }

    /// <summary>What a record of the contract does, as a function of the host that takes it; where it reads to is written.</summary>
    private IEnumerable<string> OfHost(Type type, string method, string name)
    {
        IEnumerable<string> parameters = type.GetMethod(method)!.GetParameters()
            .Select(p => p.ParameterType == typeof(nint) ? $"void* {Snake(p.Name!)}" : Parameter(p).Single());
        return [$"hq_status_code (*{name})({string.Join(", ", [$"{Pointer(Name(type))} {Name(type)[3..]}", .. parameters])})"];
    }

    /// <summary>The parameters of a record's constructor; the pairs of an array of tuples become a struct of their own.</summary>
    private IEnumerable<(Type Type, string Name)> Positional(Type type)
    {
        ConstructorInfo? primary = type.GetConstructors()
            .Where(c => c.GetParameters() is [var first, ..] && type.GetProperty(first.Name!) is not null)
            .MaxBy(c => c.GetParameters().Length);
        foreach (ParameterInfo parameter in primary?.GetParameters() ?? [])
        {
            if (parameter.GetCustomAttribute<TupleElementNamesAttribute>() is { } tuple)
            {
                Type[] items = Item(parameter.ParameterType)!.GetGenericArguments();
                Structs[$"hq_{Snake(parameter.Name!)}"] =
                    ["size_t struct_size", .. tuple.TransformNames.SelectMany((n, i) => Field(items[i], Snake(n!)))];
            }

            yield return (parameter.ParameterType, parameter.Name!);
        }
    }

    /// <summary>Fields of a plain struct, and properties that are given by name.</summary>
    private static IEnumerable<(Type Type, string Name)> Settable(Type type)
    {
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        HashSet<string?> positional = [.. type.GetConstructors().SelectMany(c => c.GetParameters()).Select(p => p.Name)];
        IEnumerable<(Type, string, int)> fields = type.GetFields(Declared).Select(f => (f.FieldType, f.Name, f.MetadataToken));
        IEnumerable<(Type, string, int)> properties = type.GetProperties(Declared)
            .Where(p => p.SetMethod is { IsPublic: true } && !positional.Contains(p.Name))
            .Select(p => (p.PropertyType, p.Name, p.MetadataToken));
        return fields.Concat(properties).OrderBy(m => m.Item3).Select(m => (m.Item1, m.Item2));
    }

    /// <summary>A field or parameter. An array is a pointer and a count; one whose elements may be null is an array of pointers.</summary>
    private IEnumerable<string> Field(Type type, string name)
    {
        if (type == typeof(Attributes))
        {
            return Field(typeof(ImmutableArray<AttributeValue>), name);
        }

        if (Item(type) is not { } item)
        {
            return [$"{ByReference(type)} {name}"];
        }

        string pointer = Pointer(item.IsAssignableTo(typeof(ITuple)) ? $"hq_{name}" : Name(item));
        return [$"{pointer}{(type.IsArray && !item.IsValueType ? " const*" : "")} {name}", $"size_t {name}_count"];
    }

    private static string Pointer(string type) => type.StartsWith("const ", StringComparison.Ordinal) ? $"{type} const*" : $"const {type}*";

    private static Type? Item(Type type) => type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) ? type.GetGenericArguments()[0]
        : null;

    /// <summary>The type of a parameter or field: handles and structs by pointer.</summary>
    private string ByReference(Type type)
    {
        string name = Name(type);
        return IsHandle(type) ? $"{name}*" : Structs.ContainsKey(name) ? Pointer(name) : name;
    }

    /// <summary>The C name of a type; types of the contract are described on the way.</summary>
    private string Name(Type type)
    {
        string name = s_names.GetValueOrDefault(type) ?? $"hq_{Snake(type.IsInterface ? type.Name[1..] : type.Name)}";
        if (type.IsInterface)
        {
            Interface(type);
        }
        else if (type.IsEnum)
        {
            Enum(type);
        }
        else if (name.StartsWith("hq_", StringComparison.Ordinal) && type != typeof(bool))
        {
            Struct(type, name);
        }

        return name;
    }

    private void Enum(Type type)
    {
        string name = Snake(type.Name);
        string prefix = s_enumPrefixes.GetValueOrDefault(type) ?? $"HQ_{name}_".Replace("_kind_", "_", StringComparison.Ordinal);
        Enums[$"hq_{name}"] =
        [
            .. System.Enum.GetValues(type).Cast<System.Enum>().Select(v =>
                $"{prefix}{(type == typeof(ElementType) ? $"{v}" : Snake($"{v}"))}".ToUpperInvariant() + $" = {Convert.ToInt32(v)}"),
        ];
    }

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex Word();
}
