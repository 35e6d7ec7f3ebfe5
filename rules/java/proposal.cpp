#include "rules/java/proposal.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace autotune::rules {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kBoxes{{{"int", "Integer"},
                                                                                {"long", "Long"},
                                                                                {"double", "Double"},
                                                                                {"float", "Float"},
                                                                                {"boolean", "Boolean"},
                                                                                {"char", "Character"},
                                                                                {"byte", "Byte"},
                                                                                {"short", "Short"},
                                                                                {"void", "Void"}}};

std::string boxed(const std::string& type) {
    for (const auto& [plain, box] : kBoxes)
        if (type == plain) return std::string(box);
    return type;
}

std::string capital(std::string word) {
    if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
    return word;
}

std::string handler_name(const JavaFunction& f) {
    std::string name;
    for (const char c : f.owner)
        if (c != '.') name += c;
    return name + capital(f.method) + "Function";
}

// One value for each argument, by name, as Lambda's serialisation wants it.
std::string input_class(const JavaFunction& f) {
    std::string out = "    public static class Input {\n";
    for (const auto& [type, name] : f.parameters) out += "        private " + type + " " + name + ";\n";
    for (const auto& [type, name] : f.parameters) {
        out += "\n        public " + type + " get" + capital(name) + "() { return " + name + "; }\n";
        out += "        public void set" + capital(name) + "(" + type + " value) { " + name + " = value; }\n";
    }
    return out + "    }\n";
}

std::string handler_text(const JavaFile& file, const JavaFunction& f, const std::string& name) {
    std::string arguments;
    for (const auto& [type, parameter] : f.parameters)
        arguments += (arguments.empty() ? "input.get" : ", input.get") + capital(parameter) + "()";
    const std::string call = f.owner + "." + f.method + "(" + arguments + ");\n";
    const std::string indent = f.throws ? "            " : "        ";
    std::string body = f.type == "void" ? indent + call + indent + "return null;\n" : indent + "return " + call;
    if (f.throws)
        body = "        try {\n" + body + "        } catch (RuntimeException error) {\n            throw error;\n" +
               "        } catch (Exception error) {\n            throw new RuntimeException(error);\n        }\n";
    std::string out = file.package.empty() ? "" : "package " + file.package + ";\n\n";
    out += "import com.amazonaws.services.lambda.runtime.Context;\nimport com.amazonaws.services.lambda.runtime.RequestHandler;\n";
    for (const std::string& import : file.imports) out += "import " + import + ";\n";
    const std::string types = name + ".Input, " + boxed(f.type);
    out += "\n/** The function of " + f.owner + "." + f.method + ". */\npublic class " + name + " implements RequestHandler<" + types + "> {\n";
    out += input_class(f) + "\n    @Override\n    public " + boxed(f.type) + " handleRequest(Input input, Context context) {\n";
    return out + body + "    }\n}\n";
}

std::string template_entry(const JavaFile& file, const JavaFunction& f, const std::string& handler) {
    const std::string prefix = file.package.empty() ? "" : file.package + ".";
    std::string out = "  " + handler + ":\n    Type: AWS::Serverless::Function\n    Properties:\n";
    if (!f.name.empty()) out += "      FunctionName: " + f.name + "\n";
    out += "      CodeUri: .\n      Handler: " + prefix + handler + "::handleRequest\n      Runtime: java17\n";
    if (f.memory_mb) out += "      MemorySize: " + std::to_string(*f.memory_mb) + "\n";
    if (f.timeout_s) out += "      Timeout: " + std::to_string(*f.timeout_s) + "\n";
    return out;
}

}  // namespace

std::vector<NewFile> propose_functions(const JavaFile& file, std::string_view path) {
    const auto slash = path.rfind('/');
    const std::string folder(slash == std::string_view::npos ? "" : path.substr(0, slash + 1));
    std::string_view stem = path.substr(folder.size());
    stem = stem.substr(0, stem.rfind('.'));
    std::vector<NewFile> out;
    std::string resources = "AWSTemplateFormatVersion: \"2010-09-09\"\nTransform: AWS::Serverless-2016-10-31\nResources:\n";
    std::set<std::string> names;
    for (const JavaFunction& f : file.functions) {
        const std::string plain = handler_name(f);
        std::string name = plain;
        for (int n = 2; !names.insert(name).second; ++n) name = plain + std::to_string(n);  // methods of one name
        resources += template_entry(file, f, name);
        out.push_back({folder + name + ".java", handler_text(file, f, name)});
    }
    out.push_back({folder + std::string(stem) + ".functions.yaml", resources});
    return out;
}

std::string patch_of(const std::vector<NewFile>& files) {
    std::string out;
    for (const NewFile& file : files) {
        const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
        out += "--- /dev/null\n+++ b/" + file.path + "\n@@ -0,0 +1" + (lines == 1 ? "" : "," + std::to_string(lines)) + " @@\n";
        for (std::size_t at = 0; at < file.text.size();) {
            const std::size_t end = file.text.find('\n', at) + 1;
            out += "+" + file.text.substr(at, end - at), at = end;
        }
    }
    return out;
}

}  // namespace autotune::rules
