// What the children of the scenarios do with files they do in one folder of the victim's. It has a
// page, a link to that and a socket, at which the victim listens and accepts nobody.
#ifndef TESTS_FAULTS_SCENARIO_FOLDER_H_
#define TESTS_FAULTS_SCENARIO_FOLDER_H_

#include <string>

namespace forkserver::testing {

// Its path. The same in each process of a victim.
std::string Folder();

// Before any scenario.
void PrepareFolder();

// What is left by a child that failed, or was killed, on its way.
void RemoveWhatIsLeftOfFiles();

// Those that children have made since the last call, none of which anybody accepted.
void DropConnections();

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_SCENARIO_FOLDER_H_
